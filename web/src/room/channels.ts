// Messages of applications between the people of a meeting, over every media session we have in a row: who listens to
// a label gets what anybody in the same room says under it.
import type { DataContent, DataReliability, MediaSession } from '../media/session';
import type { RemoteChannel, Signaling } from '../signaling/events';
import { Reception } from './reception';

export interface DataMessage {
  participantId: string;
  content: string | ArrayBuffer;
}

export type DataListener = (message: DataMessage) => void;

interface Known {
  label: string;
  participantId: string;
  reception: Reception;
}

/** How long the end of a channel of ours is waited for. */
const CLOSE_MS_MAX = 5_000;

export class Channels {
  private session: MediaSession | null = null;
  private signaling: Pick<Signaling, 'on' | 'request'> | null = null;
  /** Everybody else's channels within reach, by id. */
  private readonly known = new Map<string, Known>();
  private readonly listeners = new Map<string, Set<DataListener>>();

  /** Keeps up with the channels there are; the result ends that. */
  watch(signaling: Pick<Signaling, 'on' | 'request'>): () => void {
    this.signaling = signaling;
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
      signaling.on('data-consumed', ({ dataProducerId, dataConsumerId }) =>
        this.known.get(dataProducerId)?.reception.wasMade(dataConsumerId),
      ),
      signaling.on('data-consumer-closed', ({ dataConsumerId }) => {
        for (const { reception } of this.known.values()) reception.hasEnded(dataConsumerId);
      }),
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
    this.aimAgain();
  }

  /** What failed while the link was away is asked for again. */
  aimAgain(): void {
    for (const channel of this.known.values()) this.aim(channel);
  }

  /** Says something to everybody in the room who listens to the label; reliably and in order unless told otherwise. */
  async sendData(label: string, content: DataContent, reliability: DataReliability = {}): Promise<void> {
    if (!this.session) throw new Error('there is no media now');
    await this.session.sendData(label, content, reliability);
  }

  /**
   * Gives a label back that nothing is to be said under any more; the server has few for each of us. Resolves when it
   * knows, or after a while.
   */
  async closeData(label: string): Promise<void> {
    const { session, signaling } = this;
    if (!session || !signaling) return;
    const ended = new Set<string>();
    let heard: () => void = () => undefined;
    const off = signaling.on('data-producer-closed', ({ dataProducerId }) => {
      ended.add(dataProducerId);
      heard();
    });
    const ids = await session.closeData(label);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_MS_MAX);
      heard = () => {
        if (!ids.every((id) => ended.has(id))) return;
        clearTimeout(timer);
        resolve();
      };
      heard();
    });
    off();
  }

  /** Listens to a label; the result ends that. */
  onData(label: string, listener: DataListener): () => void {
    const listeners = this.listeners.get(label) ?? new Set();
    this.listeners.set(label, listeners.add(listener));
    this.aimAll(label);
    return () => {
      listeners.delete(listener);
      this.aimAll(label);
    };
  }

  private add(participantId: string, { dataProducerId, label }: RemoteChannel): void {
    this.forget((_, id) => id === dataProducerId);
    const onMessage = (content: string | ArrayBuffer) => {
      for (const listener of this.listeners.get(label) ?? []) listener({ participantId, content });
    };
    const giveBack = (dataConsumerId: string) => {
      const gone = () => undefined; // It has ended by itself.
      this.signaling?.request('close-data-consumer', { dataConsumerId }).catch(gone);
    };
    const reception = new Reception({ dataProducerId, onMessage, giveBack });
    const channel: Known = { label, participantId, reception };
    this.known.set(dataProducerId, channel);
    this.aim(channel);
  }

  private forget(isMeant: (channel: Known, id: string) => boolean): void {
    for (const [id, channel] of this.known) {
      if (!isMeant(channel, id)) continue;
      this.known.delete(id);
      channel.reception.aim(null);
    }
  }

  private aimAll(label: string): void {
    for (const channel of this.known.values()) if (channel.label === label) this.aim(channel);
  }

  private aim({ label, reception }: Known): void {
    reception.aim(this.listeners.get(label)?.size ? this.session : null);
  }
}
