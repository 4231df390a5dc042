// What the room asks of media, without saying how: the real one is mediasoup-client, the fake one draws on a canvas.
import type { Kind, Source } from '../signaling/events';

/** One producer of somebody else. */
export interface ProducerRef {
  participantId: string;
  producerId: string;
  kind: Kind;
  source: Source;
}

/** How a picture is shown: in device pixels. */
export interface View {
  width: number;
  height: number;
  layer: number | null;
}

/** A remote track being received. */
export interface Subscription {
  readonly consumerId: string;
  readonly track: MediaStreamTrack;
  /** How large it is shown, and which layer that deserves; null: the largest. */
  setView(view: View): Promise<void>;
  /** 1 as every track starts; more for what was pinned. */
  setPriority(priority: number): Promise<void>;
  setPaused(paused: boolean): Promise<void>;
  /** Loudness of the last moments, 0 to 1; null for video. */
  level(): number | null;
  close(): void;
}

/** What a message may be; text and bytes arrive as such. */
export type DataContent = string | ArrayBuffer | Uint8Array<ArrayBuffer>;

/** In order and complete when nothing is said. */
export interface DataReliability {
  ordered?: boolean;
  /** So often a message is repeated before it is given up. */
  maxRetransmits?: number;
}

export interface DataSubscription {
  readonly dataConsumerId: string;
  close(): void;
}

export interface OutboundStats {
  source: Source;
  kind: Kind;
  codec: string | null;
  rid: string | null;
  active: boolean;
  bytesSent: number;
  packetsSent: number;
  framesEncoded: number | null;
  frameWidth: number | null;
  frameHeight: number | null;
}

export interface InboundStats {
  consumerId: string;
  producerId: string;
  participantId: string;
  source: Source;
  kind: Kind;
  codec: string | null;
  paused: boolean;
  bytesReceived: number;
  packetsReceived: number;
  packetsLost: number;
  framesDecoded: number | null;
  frameWidth: number | null;
  frameHeight: number | null;
  totalAudioEnergy: number | null;
}

export interface MediaStats {
  outbound: OutboundStats[];
  inbound: InboundStats[];
  transports: { direction: 'send' | 'recv'; state: string }[];
}

export interface MediaSession {
  publish(source: Source, track: MediaStreamTrack): Promise<void>;
  /** Ends a source; the others hear `producer-closed`. */
  unpublish(source: Source): Promise<void>;
  /** Another track for the same source (a changed device), or null while a camera is off. */
  replace(source: Source, track: MediaStreamTrack | null): Promise<void>;
  setPaused(source: Source, paused: boolean): void;
  publishes(source: Source): boolean;
  /** Somebody watches a track of ours up to this layer; null: nobody does. */
  watched(producerId: string, highestLayer: number | null): void;
  subscribe(producer: ProducerRef, paused: boolean): Promise<Subscription>;
  /** Of the transports there are. */
  transportIds(): Promise<string[]>;
  /** Says something to everybody in the room who receives this label of ours. */
  sendData(label: string, content: DataContent, reliability: DataReliability): Promise<void>;
  /** Ends the data channels of a label, after what was said by them. Gives their ids; `data-producer-closed` tells when. */
  closeData(label: string): Promise<string[]>;
  /** Receives somebody's data channel, until it is closed here or ends by itself (`onEnded`). */
  receiveData(
    dataProducerId: string,
    onMessage: (content: string | ArrayBuffer) => void,
    onEnded: () => void,
  ): Promise<DataSubscription>;
  stats(): Promise<MediaStats>;
  close(): void;
}
