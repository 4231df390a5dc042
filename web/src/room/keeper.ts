// Keeps media alive: makes a session, makes another when it fails, and lets the old pictures stay until the new flow.
import type { MediaSession } from '../media/session';
import { isPassing } from '../signaling/errors';
import type { WebrtcConfig } from '../signaling/events';
import type { Store } from '../store';
import type { Action } from './actions';
import type { Channels } from './channels';
import type { Receiving } from './receiving';
import { restartDelayMs } from './restart';
import type { Sending } from './sending';
import type { RoomState } from './state';

/** How long people and pictures of before stay on screen while nothing replaces them. */
const GRACE_MS = 8_000;
/** The replaced session's last frames may still be on screen; it is closed when they surely are not. */
const OLD_SESSION_MS = 5_000;

export type OpenMedia = (config: WebrtcConfig, onFailed: () => void) => Promise<MediaSession>;

interface KeeperParts {
  store: Store<RoomState, Action>;
  receiving: Receiving;
  sending: Sending;
  channels: Channels;
  open: OpenMedia;
  /** A refusal that trying again will not change. */
  onRefused: (error: unknown) => void;
}

export class MediaKeeper {
  session: MediaSession | null = null;
  private readonly parts: KeeperParts;
  private config: WebrtcConfig | null = null;
  /** Counts sessions, so that an answer for an older one is thrown away. */
  private generation = 0;
  private failures = 0;
  private restartTimer: ReturnType<typeof setTimeout> | undefined;
  private graceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: KeeperParts) {
    this.parts = parts;
  }

  /** What is on screen is of the past from now on; call before the state changes, then `renew`. */
  hold(): void {
    this.parts.receiving.attach(null);
  }

  /** Makes media anew, over another config if one is given. */
  async renew(config: WebrtcConfig | null = this.config): Promise<void> {
    if (!config) return;
    this.config = config;
    clearTimeout(this.restartTimer);
    const generation = ++this.generation;
    const before = this.session;
    try {
      const session = await this.parts.open(config, () => {
        if (generation === this.generation) this.restart();
      });
      if (generation !== this.generation) session.close();
      else await this.take(session);
    } catch (error) {
      if (generation === this.generation) this.failed(error);
    } finally {
      if (before && before !== this.session) setTimeout(() => before.close(), OLD_SESSION_MS);
    }
  }

  stop(): void {
    this.generation++;
    clearTimeout(this.restartTimer);
    clearTimeout(this.graceTimer);
    this.parts.receiving.attach(null);
    this.parts.channels.attach(null);
    this.session?.close();
    this.session = null;
  }

  private async take(session: MediaSession): Promise<void> {
    const { receiving, sending, channels, store } = this.parts;
    this.session = session;
    receiving.attach(session);
    channels.attach(session);
    receiving.sync(store.get());
    clearTimeout(this.graceTimer);
    this.graceTimer = setTimeout(() => this.graceOver(), GRACE_MS);
    await sending.attach(session);
    this.ready();
  }

  private ready(): void {
    this.failures = 0;
    this.parts.store.dispatch({ type: 'media-restart', on: false });
  }

  /** What the server refuses for good (a feature that is off) is told; anything else is tried again. */
  private failed(error: unknown): void {
    if (isPassing(error)) {
      this.restart();
    } else {
      this.ready();
      this.parts.onRefused(error);
    }
  }

  private restart(): void {
    this.parts.store.dispatch({ type: 'media-restart', on: true });
    clearTimeout(this.restartTimer);
    this.restartTimer = setTimeout(() => void this.renew(), restartDelayMs(this.failures++));
  }

  private graceOver(): void {
    const { store, receiving } = this.parts;
    store.dispatch({ type: 'grace-over' });
    receiving.release(store.get());
  }
}
