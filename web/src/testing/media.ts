// Pretended media: tells the server what a real session would, and hands out tracks that somebody else makes.
import type {
  DataContent,
  DataReliability,
  DataSubscription,
  MediaSession,
  MediaStats,
  ProducerRef,
  Subscription,
  View,
} from '../media/session';
import type { Signaling, Source } from '../signaling/events';

/** What of a track the room looks at. Enough where there is no browser. */
export class FakeTrack extends EventTarget {
  readonly kind: string;
  muted: boolean;
  stopped = false;

  constructor(kind: string, muted = false) {
    super();
    this.kind = kind;
    this.muted = muted;
  }

  stop(): void {
    this.stopped = true;
  }

  /** The first packets arrive. */
  flow(): void {
    this.muted = false;
    this.dispatchEvent(new Event('unmute'));
  }
}

export type TrackMaker = (producer: ProducerRef) => MediaStreamTrack;
export type LevelReader = (producer: ProducerRef) => number;

export class FakeSession implements MediaSession {
  readonly published = new Map<Source, { id: string; track: MediaStreamTrack | null; paused: boolean }>();
  readonly subscriptions = new Map<string, FakeSubscription>();
  /** What was said of our tracks being watched. */
  readonly watches = new Map<string, number | null>();
  /** What we said by data channels. */
  readonly said: { label: string; content: DataContent; reliability: DataReliability }[] = [];
  /** Who takes the messages of a data channel, by its id. */
  readonly received = new Map<string, (content: string | ArrayBuffer) => void>();
  /** How often a data channel was asked for, and what ends the last subscription to it from outside, by its id. */
  readonly receptions = new Map<string, { asked: number; end: () => void }>();
  /** What the next requests for a data channel are refused with. */
  dataRefusal: Error | null = null;
  closed = false;
  private readonly signaling: Signaling;
  private readonly meetingId: string;
  private readonly makeTrack: TrackMaker;
  private readonly readLevel: LevelReader;
  readonly fail: () => void;

  constructor(
    signaling: Signaling,
    meetingId: string,
    makeTrack: TrackMaker,
    onFailed: () => void,
    readLevel: LevelReader = () => 0,
  ) {
    this.signaling = signaling;
    this.meetingId = meetingId;
    this.makeTrack = makeTrack;
    this.readLevel = readLevel;
    this.fail = onFailed;
  }

  async publish(source: Source, track: MediaStreamTrack): Promise<void> {
    const kind = track.kind === 'audio' ? 'audio' : 'video';
    const rtpParameters = { codecs: [] };
    const answer = await this.signaling.request('produce', {
      meetingId: this.meetingId,
      kind,
      source,
      rtpParameters,
    });
    this.published.set(source, { id: answer.producerId, track, paused: false });
  }

  async unpublish(source: Source): Promise<void> {
    const producer = this.published.get(source);
    this.published.delete(source);
    if (producer) await this.signaling.request('close-producer', { producerId: producer.id });
  }

  async replace(source: Source, track: MediaStreamTrack | null): Promise<void> {
    const producer = this.published.get(source);
    if (producer) producer.track = track;
  }

  setPaused(source: Source, paused: boolean): void {
    const producer = this.published.get(source);
    if (producer) producer.paused = paused;
  }

  publishes(source: Source): boolean {
    return this.published.has(source);
  }

  watched(producerId: string, highestLayer: number | null): void {
    this.watches.set(producerId, highestLayer);
  }

  async subscribe(producer: ProducerRef, paused: boolean): Promise<Subscription> {
    const { consumerId } = await this.signaling.request('consume', {
      meetingId: this.meetingId,
      producerParticipantId: producer.participantId,
      producerId: producer.producerId,
      kind: producer.kind,
      source: producer.source,
      paused,
      rtpCapabilities: {},
    });
    const track = this.makeTrack(producer);
    const subscription = new FakeSubscription(consumerId, track, paused, () => this.readLevel(producer));
    this.subscriptions.set(producer.producerId, subscription);
    return subscription;
  }

  async transportIds(): Promise<string[]> {
    return ['t-send', 't-recv'];
  }

  async sendData(label: string, content: DataContent, reliability: DataReliability): Promise<void> {
    this.said.push({ label, content, reliability });
  }

  async closeData(label: string): Promise<string[]> {
    const closed = this.said.filter((one) => one.label === label);
    return closed.map((_, index) => `${label}-${index}`);
  }

  async receiveData(
    dataProducerId: string,
    onMessage: (content: string | ArrayBuffer) => void,
    onEnded: () => void,
  ): Promise<DataSubscription> {
    const asked = (this.receptions.get(dataProducerId)?.asked ?? 0) + 1;
    const close = () => this.received.delete(dataProducerId);
    const end = () => {
      close();
      onEnded();
    };
    this.receptions.set(dataProducerId, { asked, end });
    if (this.dataRefusal) throw this.dataRefusal;
    this.received.set(dataProducerId, onMessage);
    return { dataConsumerId: `${dataProducerId}-${asked}`, close };
  }

  /** A message arrives by a data channel. */
  say(dataProducerId: string, content: string | ArrayBuffer): void {
    this.received.get(dataProducerId)?.(content);
  }

  async stats(): Promise<MediaStats> {
    return { outbound: [], inbound: [], transports: [] };
  }

  close(): void {
    this.closed = true;
  }
}

export class FakeSubscription implements Subscription {
  readonly consumerId: string;
  readonly track: MediaStreamTrack;
  view: View | null = null;
  priority = 1;
  paused: boolean;
  closed = false;
  readonly level: () => number;

  constructor(consumerId: string, track: MediaStreamTrack, paused: boolean, level: () => number) {
    this.consumerId = consumerId;
    this.track = track;
    this.paused = paused;
    this.level = level;
  }

  async setView(view: View): Promise<void> {
    this.view = view;
  }

  async setPriority(priority: number): Promise<void> {
    this.priority = priority;
  }

  async setPaused(paused: boolean): Promise<void> {
    this.paused = paused;
  }

  close(): void {
    this.closed = true;
  }
}
