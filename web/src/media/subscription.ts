// One consumer: pause, layer and loudness of somebody else's track.
import type { types } from 'mediasoup-client';
import type { Signaling } from '../signaling/events';
import type { ProducerRef, Subscription, View } from './session';

export class MediasoupSubscription implements Subscription {
  readonly consumer: types.Consumer;
  readonly producer: ProducerRef;
  private readonly signaling: Pick<Signaling, 'request'>;
  private pausedAtServer: boolean;
  /** As it was last told to the server. */
  private view = '';
  private priority = 1;

  constructor(
    consumer: types.Consumer,
    producer: ProducerRef,
    signaling: Pick<Signaling, 'request'>,
    paused: boolean,
  ) {
    this.consumer = consumer;
    this.producer = producer;
    this.signaling = signaling;
    this.pausedAtServer = paused;
  }

  get consumerId(): string {
    return this.consumer.id;
  }

  get track(): MediaStreamTrack {
    return this.consumer.track;
  }

  async setView({ width, height, layer }: View): Promise<void> {
    const view = `${width}x${height}:${layer}`;
    if (this.view === view || this.consumer.closed) return;
    const before = this.view;
    this.view = view;
    try {
      await this.signaling.request('set-preferred-layers', {
        consumerId: this.consumer.id,
        width,
        height,
        ...(layer === null ? {} : { spatialLayer: layer }),
      });
    } catch (error) {
      // The server knows what it knew: the same may be asked for again.
      if (this.view === view) this.view = before;
      throw error;
    }
  }

  async setPriority(priority: number): Promise<void> {
    if (this.priority === priority || this.consumer.closed) return;
    const before = this.priority;
    this.priority = priority;
    try {
      await this.signaling.request('set-consumer-priority', { consumerId: this.consumer.id, priority });
    } catch (error) {
      if (this.priority === priority) this.priority = before;
      throw error;
    }
  }

  async setPaused(paused: boolean): Promise<void> {
    if (this.pausedAtServer === paused || this.consumer.closed) return;
    this.pausedAtServer = paused;
    try {
      await this.signaling.request(paused ? 'pause-consumer' : 'resume-consumer', {
        consumerId: this.consumer.id,
      });
    } catch (error) {
      if (this.pausedAtServer === paused) this.pausedAtServer = !paused;
      throw error;
    }
  }

  get paused(): boolean {
    return this.pausedAtServer;
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
