// One consumer: pause, layer and loudness of somebody else's track.
import type { types } from 'mediasoup-client';
import type { Signaling } from '../signaling/events';
import type { ProducerRef, Subscription, View } from './session';

/** What the server was told last of one thing, so that it is not told twice. */
class Told<T> {
  /** Undefined: nobody knows. */
  private value: T | undefined;

  constructor(value: T | undefined) {
    this.value = value;
  }

  async tell(value: T, ask: () => Promise<unknown>): Promise<void> {
    if (this.value === value) return;
    this.value = value;
    try {
      await ask();
    } catch (error) {
      // Perhaps only the answer got lost: whatever is wanted next is asked for.
      if (this.value === value) this.value = undefined;
      throw error;
    }
  }
}

export class MediasoupSubscription implements Subscription {
  readonly consumer: types.Consumer;
  readonly producer: ProducerRef;
  private readonly signaling: Pick<Signaling, 'request'>;
  private readonly pausedTold: Told<boolean>;
  private readonly viewTold = new Told<string>(undefined);
  private readonly priorityTold = new Told<number>(1);

  constructor(
    consumer: types.Consumer,
    producer: ProducerRef,
    signaling: Pick<Signaling, 'request'>,
    paused: boolean,
  ) {
    this.consumer = consumer;
    this.producer = producer;
    this.signaling = signaling;
    this.pausedTold = new Told(paused);
  }

  get consumerId(): string {
    return this.consumer.id;
  }

  get track(): MediaStreamTrack {
    return this.consumer.track;
  }

  async setView({ width, height, layer }: View): Promise<void> {
    if (this.consumer.closed) return;
    await this.viewTold.tell(`${width}x${height}:${layer}`, () =>
      this.signaling.request('set-preferred-layers', {
        consumerId: this.consumer.id,
        width,
        height,
        ...(layer === null ? {} : { spatialLayer: layer }),
      }),
    );
  }

  async setPriority(priority: number): Promise<void> {
    if (this.consumer.closed) return;
    await this.priorityTold.tell(priority, () =>
      this.signaling.request('set-consumer-priority', { consumerId: this.consumer.id, priority }),
    );
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.consumer.closed) return;
    await this.pausedTold.tell(paused, () =>
      this.signaling.request(paused ? 'pause-consumer' : 'resume-consumer', { consumerId: this.consumer.id }),
    );
  }

  level(): number | null {
    if (this.consumer.kind !== 'audio') return null;
    const [latest] = this.consumer.rtpReceiver?.getSynchronizationSources() ?? [];
    return latest?.audioLevel ?? 0;
  }

  close(): void {
    this.consumer.close();
  }
}
