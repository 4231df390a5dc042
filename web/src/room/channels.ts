// Messages of applications between the people of a meeting, over every media session we have in a row: who listens to
// a label gets what anybody in the same room says under it.
import type { DataContent, DataReliability, DataSubscription, MediaSession } from '../media/session';
import type { RemoteChannel, Signaling } from '../signaling/events';

export interface DataMessage {
  participantId: string;
  content: string | ArrayBuffer;
}

export type DataListener = (message: DataMessage) => void;

interface Known {
  label: string;
  participantId: string;
  /** While somebody listens. */
  subscription: Promise<DataSubscription | null> | null;
}

export class Channels {
  private session: MediaSession | null = null;
  /** Everybody else's channels within reach, by id. */
  private readonly known = new Map<string, Known>();
  private readonly listeners = new Map<string, Set<DataListener>>();

  /** Keeps up with the channels there are; the result ends that. */
  watch(signaling: Pick<Signaling, 'on'>): () => void {
    const ends = [
      signaling.on('meeting-joined', ({ participants }) => {
        this.forget(() => true);
        for (const { participantId, dataProducers = [] } of participants) {
          for (const channel of dataProducers) this.add(participantId, channel);
        }
      }),
      signaling.on('new-data-producer', (channel) => this.add(channel.participantId, channel)),
      signaling.on('data-producer-closed', ({ dataProducerId }) =>
        this.forget((_, id) => id === dataProducerId),
      ),
      signaling.on('participant-left', ({ participantId }) =>
        this.forget((channel) => channel.participantId === participantId),
      ),
      signaling.on('media-reset', () => this.forget(() => true)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Everything goes and comes through this session from now on. */
  attach(session: MediaSession | null): void {
    this.session = session;
    for (const [id, channel] of this.known) {
      this.drop(channel);
      this.sync(id, channel);
    }
  }

  /** Says something to everybody in the room who listens to the label; reliably and in order unless told otherwise. */
  async sendData(label: string, content: DataContent, reliability: DataReliability = {}): Promise<void> {
    if (!this.session) throw new Error('there is no media now');
    await this.session.sendData(label, content, reliability);
  }

  /** Listens to a label; the result ends that. */
  onData(label: string, listener: DataListener): () => void {
    const listeners = this.listeners.get(label) ?? new Set();
    this.listeners.set(label, listeners.add(listener));
    this.syncAll(label);
    return () => {
      listeners.delete(listener);
      this.syncAll(label);
    };
  }

  private add(participantId: string, { dataProducerId, label }: RemoteChannel): void {
    this.forget((_, id) => id === dataProducerId);
    const channel: Known = { label, participantId, subscription: null };
    this.known.set(dataProducerId, channel);
    this.sync(dataProducerId, channel);
  }

  private forget(isMeant: (channel: Known, id: string) => boolean): void {
    for (const [id, channel] of this.known) {
      if (!isMeant(channel, id)) continue;
      this.known.delete(id);
      this.drop(channel);
    }
  }

  private syncAll(label: string): void {
    for (const [id, channel] of this.known) if (channel.label === label) this.sync(id, channel);
  }

  private sync(id: string, channel: Known): void {
    const { label, participantId } = channel;
    if (!this.session || !this.listeners.get(label)?.size) {
      this.drop(channel);
      return;
    }
    channel.subscription ??= this.session
      .receiveData(id, (content) => {
        for (const listener of this.listeners.get(label) ?? []) listener({ participantId, content });
      })
      // It is gone, or we may not have it; whoever opens it again is told of as new.
      .catch(() => null);
  }

  private drop(channel: Known): void {
    void channel.subscription?.then((subscription) => subscription?.close());
    channel.subscription = null;
  }
}
