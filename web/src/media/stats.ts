// The browser's statistics cut down to what people and tests ask for.
import type { types } from 'mediasoup-client';
import type { Source } from '../signaling/events';
import type { InboundStats, OutboundStats, ProducerRef } from './session';

/** One entry of an `RTCStatsReport`, as far as it is read here. */
interface Entry {
  id: string;
  type: string;
  codecId?: string;
  mimeType?: string;
  rid?: string;
  active?: boolean;
  bytesSent?: number;
  packetsSent?: number;
  framesEncoded?: number;
  bytesReceived?: number;
  packetsReceived?: number;
  packetsLost?: number;
  framesDecoded?: number;
  frameWidth?: number;
  frameHeight?: number;
  totalAudioEnergy?: number;
}

async function entriesOf(source: {
  getStats(): Promise<RTCStatsReport>;
  closed: boolean;
}): Promise<Map<string, Entry>> {
  if (source.closed) return new Map();
  const report = (await source.getStats()) as unknown as ReadonlyMap<string, Entry>;
  return new Map(report);
}

function codecOf(entries: Map<string, Entry>, entry: Entry): string | null {
  return (entry.codecId && entries.get(entry.codecId)?.mimeType) || null;
}

export async function outboundStats(source: Source, producer: types.Producer): Promise<OutboundStats[]> {
  const entries = await entriesOf(producer);
  return [...entries.values()]
    .filter((entry) => entry.type === 'outbound-rtp')
    .map((entry) => ({
      source,
      kind: producer.kind,
      codec: codecOf(entries, entry),
      rid: entry.rid ?? null,
      active: entry.active ?? !producer.paused,
      bytesSent: entry.bytesSent ?? 0,
      packetsSent: entry.packetsSent ?? 0,
      framesEncoded: entry.framesEncoded ?? null,
      frameWidth: entry.frameWidth ?? null,
      frameHeight: entry.frameHeight ?? null,
    }));
}

export async function inboundStats(
  consumer: types.Consumer,
  { participantId, source }: ProducerRef,
): Promise<InboundStats[]> {
  const entries = await entriesOf(consumer);
  return [...entries.values()]
    .filter((entry) => entry.type === 'inbound-rtp')
    .map((entry) => ({
      consumerId: consumer.id,
      producerId: consumer.producerId,
      participantId,
      source,
      kind: consumer.kind,
      codec: codecOf(entries, entry),
      paused: consumer.paused,
      bytesReceived: entry.bytesReceived ?? 0,
      packetsReceived: entry.packetsReceived ?? 0,
      packetsLost: entry.packetsLost ?? 0,
      framesDecoded: entry.framesDecoded ?? null,
      frameWidth: entry.frameWidth ?? null,
      frameHeight: entry.frameHeight ?? null,
      totalAudioEnergy: entry.totalAudioEnergy ?? null,
    }));
}
