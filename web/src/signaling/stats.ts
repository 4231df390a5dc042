// What the server measures of one session (`get-stats`), as far as it is shown here.
import type { Quality } from './events';

/** Lists hold what was asked about; of a whole session, everything. Numbers nobody has measured yet are null. */
export interface SessionStats {
  participantId: string;
  quality: Quality | null;
  transports: TransportStats[];
  consumers: ConsumerStats[];
}

export interface TransportStats {
  transportId: string;
  direction: 'send' | 'recv';
  /** Seconds. */
  roundTripTime: number | null;
  /** Share of the packets lost lately, 0 to 1. */
  fractionLost: number;
  /** Videos that bandwidth holds below what was asked for, and those of which nothing comes; null: we only send. */
  sending: { picturesLimited: number; picturesWithheld: number } | null;
}

export interface ConsumerStats {
  consumerId: string;
  /** The layer that comes; null: none, for now or until its next keyframe. */
  currentLayer: { spatialLayer: number } | null;
}
