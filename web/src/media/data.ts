// Data channels over a session's transports: ours are opened when something is first said by them.
import type { types } from 'mediasoup-client';
import type { Signaling } from '../signaling/events';
import type { DataContent, DataReliability, DataSubscription } from './session';

/** What may wait in the browser to be sent by one channel; the server makes whoever sends too much wait. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

interface Parts {
  signaling: Pick<Signaling, 'request'>;
  transport: (direction: 'send' | 'recv') => Promise<types.Transport>;
}

export class MediasoupData {
  private readonly parts: Parts;
  /** By label and reliability. */
  private readonly producers = new Map<string, Promise<types.DataProducer>>();

  constructor(parts: Parts) {
    this.parts = parts;
  }

  async send(label: string, content: DataContent, reliability: DataReliability): Promise<void> {
    const producer = await this.producer(label, reliability);
    if (producer.bufferedAmount > BUFFERED_BYTES_MAX) throw new Error('too much waits to be sent');
    producer.send(content);
  }

  async receive(
    dataProducerId: string,
    onMessage: (content: string | ArrayBuffer) => void,
    onEnded: () => void,
  ): Promise<DataSubscription> {
    const { signaling } = this.parts;
    const transport = await this.parts.transport('recv');
    const answer = await signaling.request('consume-data', { transportId: transport.id, dataProducerId });
    const consumer = await transport.consumeData({
      id: answer.dataConsumerId,
      dataProducerId,
      sctpStreamParameters: answer.sctpStreamParameters,
      label: answer.label,
      protocol: answer.protocol,
    });
    consumer.binaryType = 'arraybuffer';
    consumer.on('message', onMessage);
    consumer.on('close', onEnded);
    return { dataConsumerId: consumer.id, close: () => consumer.close() };
  }

  /** Closes what was opened for a label, once all that was said by it has left. Gives the ids of what closes. */
  async close(label: string): Promise<string[]> {
    const openings: Promise<types.DataProducer>[] = [];
    for (const [key, opening] of this.producers) {
      if (JSON.parse(key)[0] !== label) continue;
      this.producers.delete(key);
      openings.push(opening);
    }
    const opened = await Promise.allSettled(openings);
    return opened.flatMap((one) => {
      if (one.status === 'rejected') return [];
      // The browser sends what waits first, and the server hears of the end by the channel itself.
      one.value.close();
      return one.value.id;
    });
  }

  private producer(label: string, reliability: DataReliability): Promise<types.DataProducer> {
    const key = JSON.stringify([label, reliability.ordered, reliability.maxRetransmits]);
    let opening = this.producers.get(key);
    if (!opening) {
      const forget = () => {
        if (this.producers.get(key) === opening) this.producers.delete(key);
      };
      opening = this.open(label, reliability, forget);
      this.producers.set(key, opening);
      opening.catch(forget);
    }
    return opening;
  }

  private async open(
    label: string,
    { ordered, maxRetransmits }: DataReliability,
    onClosed: () => void,
  ): Promise<types.DataProducer> {
    const transport = await this.parts.transport('send');
    const producer = await transport.produceData({ label, ordered, maxRetransmits });
    if (producer.readyState !== 'open') {
      await new Promise<void>((resolve, reject) => {
        producer.once('open', resolve);
        producer.observer.once('close', () => reject(new Error('the channel closed before it opened')));
      });
    }
    producer.observer.once('close', onClosed);
    return producer;
  }
}
