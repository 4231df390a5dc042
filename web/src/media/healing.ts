// One transport that lost its way: ICE is restarted, a few times, before the whole session is made anew.
import { isPassing } from '../signaling/errors';

/** Shorter gaps heal by themselves: the next connectivity check gets through. */
const GAP_MS = 1_000;
/** How long one restart may take before the next; doubles each time. */
const FIRST_WAIT_MS = 1_500;
const TRIES_MAX = 4;

export type TransportState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed';

interface HealingParts {
  /** Fetches new credentials from the server and has the browser check its paths again. */
  restart: () => Promise<void>;
  /** Restarting does not help. */
  onLost: () => void;
}

export class Healing {
  private readonly parts: HealingParts;
  private state: TransportState = 'new';
  private tries = 0;
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: HealingParts) {
    this.parts = parts;
  }

  become(state: TransportState): void {
    this.state = state;
    if (state === 'connected') this.healed();
    else if (state === 'failed') this.attempt();
    else if (state === 'disconnected' && this.tries === 0) this.attemptIn(GAP_MS);
    else if (state === 'closed') this.stop();
  }

  /** Another network, or one again: the paths of before may be gone although nobody has noticed yet. */
  networkChanged(): void {
    if (this.state !== 'new' && this.state !== 'closed') this.attempt();
  }

  stop(): void {
    this.state = 'closed';
    clearTimeout(this.timer);
  }

  private healed(): void {
    this.tries = 0;
    clearTimeout(this.timer);
  }

  private attemptIn(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.state === 'connected') this.healed();
      else this.attempt();
    }, ms);
  }

  private attempt(): void {
    if (this.busy || this.state === 'closed') return;
    clearTimeout(this.timer);
    if (this.tries >= TRIES_MAX) {
      this.parts.onLost();
      return;
    }
    const wait = FIRST_WAIT_MS * 2 ** this.tries++;
    this.busy = true;
    this.parts.restart().then(
      () => this.asked(wait),
      (error) => {
        // Without a link to the server, or while that is busy, a later try may do. A refusal stays one.
        if (isPassing(error)) this.asked(wait);
        else this.refused();
      },
    );
  }

  private asked(wait: number): void {
    this.busy = false;
    if (this.state !== 'closed') this.attemptIn(wait);
  }

  private refused(): void {
    this.busy = false;
    if (this.state !== 'closed' && this.state !== 'connected') this.parts.onLost();
  }
}
