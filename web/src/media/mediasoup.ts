// A media session over mediasoup-client: one transport each way, made when first needed.
import { Device, type types } from 'mediasoup-client';
import type { Signaling, Source, WebrtcConfig } from '../signaling/events';
import { MediasoupData } from './data';
import { codecEntry, codecOptionsFor, encodingsFor, sendsLayersInside, type VideoCodec } from './encodings';
import { Healing } from './healing';
import { LayerSwitch } from './layerSwitch';
import type {
  DataContent,
  DataReliability,
  DataSubscription,
  MediaSession,
  MediaStats,
  ProducerRef,
  Subscription,
} from './session';
import { inboundStats, outboundStats } from './stats';
import { MediasoupSubscription } from './subscription';

export interface SessionOptions {
  signaling: Pick<Signaling, 'request'>;
  meetingId: string;
  config: WebrtcConfig;
  codec: VideoCodec;
  /** A transport has failed for good; this session can only be replaced. */
  onFailed: () => void;
}

type Direction = 'send' | 'recv';

/** Tracks of ours of which something may be told before they are there. */
const EARLY_MAX = 16;

export async function openSession(options: SessionOptions): Promise<MediaSession> {
  const device = await Device.factory();
  await device.load({ routerRtpCapabilities: options.config.router_capabilities });
  return new MediasoupSession(device, options);
}

class MediasoupSession implements MediaSession {
  private readonly device: Device;
  private readonly options: SessionOptions;
  private readonly transports = new Map<Direction, Promise<types.Transport>>();
  private readonly producers = new Map<Source, types.Producer>();
  private readonly subscriptions = new Set<MediasoupSubscription>();
  private readonly layers = new Map<string, LayerSwitch>();
  /** Told before `produced` was: by producer, until that track of ours is there. */
  private readonly watchedEarly = new Map<string, number | null>();
  private readonly healings = new Set<Healing>();
  private readonly data: MediasoupData;
  private closed = false;

  constructor(device: Device, options: SessionOptions) {
    this.device = device;
    this.options = options;
    const transport = (direction: Direction) => this.transport(direction);
    this.data = new MediasoupData({ signaling: options.signaling, transport });
    window.addEventListener('online', this.networkChanged);
  }

  async publish(source: Source, track: MediaStreamTrack): Promise<void> {
    const transport = await this.transport('send');
    const entry = codecEntry(this.device.sendRtpCapabilities, this.options.codec);
    // What this browser or the server does not speak is sent as VP8.
    const codec = entry ? this.options.codec : 'vp8';
    const producer = await transport.produce({
      track,
      encodings: encodingsFor(source, codec, source === 'camera' && (await sendsLayersInside(codec))),
      codecOptions: codecOptionsFor(source),
      codec: track.kind === 'video' ? entry : undefined,
      stopTracks: false,
      zeroRtpOnPause: false,
      appData: { source },
    });
    this.producers.get(source)?.close();
    this.producers.set(source, producer);
    if (!producer.rtpSender || producer.kind !== 'video') return;
    const layers = new LayerSwitch(producer.rtpSender);
    this.layers.set(producer.id, layers);
    producer.observer.once('close', () => {
      layers.close();
      this.layers.delete(producer.id);
    });
    const early = this.watchedEarly.get(producer.id);
    this.watchedEarly.delete(producer.id);
    if (early !== undefined) void layers.set(early);
  }

  watched(producerId: string, highestLayer: number | null): void {
    const layers = this.layers.get(producerId);
    if (layers) void layers.set(highestLayer);
    else {
      this.watchedEarly.delete(producerId);
      this.watchedEarly.set(producerId, highestLayer);
      // Of tracks that ended meanwhile it may come too; the oldest go first.
      const [oldest] = this.watchedEarly.keys();
      if (this.watchedEarly.size > EARLY_MAX && oldest !== undefined) this.watchedEarly.delete(oldest);
    }
  }

  async unpublish(source: Source): Promise<void> {
    const producer = this.producers.get(source);
    if (!producer) return;
    this.producers.delete(source);
    producer.close();
    await this.options.signaling.request('close-producer', { producerId: producer.id });
  }

  async replace(source: Source, track: MediaStreamTrack | null): Promise<void> {
    await this.producers.get(source)?.replaceTrack({ track });
  }

  setPaused(source: Source, paused: boolean): void {
    const producer = this.producers.get(source);
    if (paused) producer?.pause();
    else producer?.resume();
  }

  publishes(source: Source): boolean {
    return this.producers.has(source);
  }

  async subscribe(producer: ProducerRef, paused: boolean): Promise<Subscription> {
    const { signaling, meetingId } = this.options;
    const transport = await this.transport('recv');
    const answer = await signaling.request('consume', {
      meetingId,
      producerParticipantId: producer.participantId,
      producerId: producer.producerId,
      kind: producer.kind,
      source: producer.source,
      // Video starts paused: the first keyframe must not arrive before the browser expects the stream.
      paused: producer.kind === 'video',
      rtpCapabilities: this.device.recvRtpCapabilities,
    });
    const consumer = await transport.consume({
      id: answer.consumerId,
      producerId: answer.producerId,
      kind: answer.kind,
      rtpParameters: answer.rtpParameters,
      // Voice and face of one person belong together and are played in step; a screen is a stream of its own.
      streamId: `${producer.participantId}-${producer.source.startsWith('screen') ? 'screen' : 'person'}`,
    });
    const subscription = new MediasoupSubscription(consumer, producer, signaling, producer.kind === 'video');
    this.subscriptions.add(subscription);
    consumer.observer.once('close', () => this.subscriptions.delete(subscription));
    if (!paused) await subscription.setPaused(false);
    return subscription;
  }

  async transportIds(): Promise<string[]> {
    const all = await Promise.allSettled(this.transports.values());
    return all.flatMap((one) => (one.status === 'fulfilled' ? one.value.id : []));
  }

  sendData(label: string, content: DataContent, reliability: DataReliability): Promise<void> {
    return this.data.send(label, content, reliability);
  }

  closeData(label: string): Promise<string[]> {
    return this.data.close(label);
  }

  receiveData(
    dataProducerId: string,
    onMessage: (content: string | ArrayBuffer) => void,
    onEnded: () => void,
  ): Promise<DataSubscription> {
    return this.data.receive(dataProducerId, onMessage, onEnded);
  }

  async stats(): Promise<MediaStats> {
    const outbound = [...this.producers].map(([source, producer]) => outboundStats(source, producer));
    const inbound = [...this.subscriptions].map(({ consumer, producer }) => inboundStats(consumer, producer));
    const transports = [...this.transports].map(async ([direction, pending]) => ({
      direction,
      state: await pending.then(
        (transport) => transport.connectionState,
        () => 'failed',
      ),
    }));
    return {
      outbound: (await Promise.all(outbound)).flat(),
      inbound: (await Promise.all(inbound)).flat(),
      transports: await Promise.all(transports),
    };
  }

  close(): void {
    this.closed = true;
    window.removeEventListener('online', this.networkChanged);
    for (const healing of this.healings) healing.stop();
    for (const pending of this.transports.values()) {
      pending.then(
        (transport) => transport.close(),
        () => undefined,
      );
    }
  }

  private transport(direction: Direction): Promise<types.Transport> {
    let pending = this.transports.get(direction);
    if (!pending) {
      pending = this.createTransport(direction);
      this.transports.set(direction, pending);
      // A refused transport may be asked for again; a made one stays.
      pending.catch(() => this.transports.delete(direction));
    }
    return pending;
  }

  private async createTransport(direction: Direction): Promise<types.Transport> {
    const { signaling, meetingId, config } = this.options;
    const made = await signaling.request('create-transport', { meetingId, direction });
    const parameters = {
      id: made.transportId,
      iceParameters: made.iceParameters,
      iceCandidates: made.iceCandidates,
      dtlsParameters: made.dtlsParameters,
      sctpParameters: made.sctpParameters,
      iceServers: config.ice_servers,
    };
    const transport =
      direction === 'send'
        ? this.device.createSendTransport(parameters)
        : this.device.createRecvTransport(parameters);
    this.listen(transport);
    if (this.closed) transport.close();
    return transport;
  }

  private listen(transport: types.Transport): void {
    const { signaling, meetingId, onFailed } = this.options;
    transport.on('connect', ({ dtlsParameters }, done, failed) => {
      signaling
        .request('connect-transport', { transportId: transport.id, dtlsParameters })
        .then(done, failed);
    });
    transport.on('produce', ({ kind, rtpParameters, appData }, done, failed) => {
      const source = appData.source as Source;
      signaling
        .request('produce', { meetingId, kind, source, rtpParameters })
        .then(({ producerId }) => done({ id: producerId }), failed);
    });
    transport.on('producedata', ({ sctpStreamParameters, label, protocol }, done, failed) => {
      signaling
        .request('produce-data', { transportId: transport.id, sctpStreamParameters, label, protocol })
        .then(({ dataProducerId }) => done({ id: dataProducerId }), failed);
    });
    const healing = new Healing({
      restart: async () => {
        const { iceParameters } = await signaling.request('restart-ice', { transportId: transport.id });
        if (!transport.closed) await transport.restartIce({ iceParameters });
      },
      onLost: () => {
        if (!this.closed) onFailed();
      },
    });
    this.healings.add(healing);
    transport.on('connectionstatechange', (state) => healing.become(state));
  }

  private readonly networkChanged = (): void => {
    for (const healing of this.healings) healing.networkChanged();
  };
}
