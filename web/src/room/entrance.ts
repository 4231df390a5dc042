// The door: asking to come in, and asking again whenever the link comes back.
import { isLostLogin, isPassing, readable, SignalingError } from '../signaling/errors';
import type { Signaling } from '../signaling/events';
import type { Phase } from './state';

/** A join refused for a passing reason (no media node yet) is tried again after so long. */
const KNOCK_AGAIN_MS = 1_500;

export interface Entry {
  meetingId: string;
  userId: string;
  userName: string;
  password?: string;
}

export interface EntranceParts {
  signaling: Signaling;
  entry: Entry;
  phase: () => Phase;
  /** The link is lost while inside and being made again, or it came back as if nothing had been. */
  onLink: (up: boolean) => void;
  /** No for good, in the server's words or ours. */
  onRefused: (message: string) => void;
  /** The meeting was ended while we were away. */
  onEnded: () => void;
  onLostLogin: () => void;
}

export class Entrance {
  private readonly parts: EntranceParts;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private knocking = false;

  constructor(parts: EntranceParts) {
    this.parts = parts;
  }

  /** Follows the link until the returned function is called. */
  watch(): () => void {
    const unwatch = this.parts.signaling.onLink(() => this.linkChanged());
    return () => {
      clearTimeout(this.timer);
      unwatch();
    };
  }

  knock(): void {
    const { signaling } = this.parts;
    if (signaling.link.state === 'connected') void this.ask();
    else signaling.connect();
  }

  private linkChanged(): void {
    const { signaling, phase, onLink, onRefused, onLostLogin } = this.parts;
    const { link } = signaling;
    switch (link.state) {
      case 'connected':
        // Resumed: the server kept our place, and what we missed follows by itself. An unanswered knock is repeated.
        if (link.resumed && phase() === 'inside') onLink(true);
        else if (link.resumed && phase() === 'waiting') return;
        else if (phase() === 'joining' || phase() === 'waiting' || phase() === 'inside') void this.ask();
        return;
      case 'lost':
        if (phase() === 'inside') onLink(false);
        if (phase() === 'joining') onRefused('The server cannot be reached. Check your connection.');
        return;
      case 'refused':
        if (isLostLogin(new SignalingError(link.message))) onLostLogin();
        onRefused(link.message);
        return;
      case 'connecting':
        return;
    }
  }

  /** Success is the event `meeting-joined` or `waiting-room-joined`, in order with everything else of the room. */
  private async ask(): Promise<void> {
    if (this.knocking) return;
    this.knocking = true;
    const { password, ...who } = this.parts.entry;
    try {
      const secret = password ? { meeting_password: password } : {};
      await this.parts.signaling.request('join-meeting', { ...who, ...secret });
    } catch (error) {
      this.failed(error);
    } finally {
      this.knocking = false;
    }
  }

  private failed(error: unknown): void {
    const { signaling, phase, onRefused, onEnded } = this.parts;
    const words = error instanceof SignalingError ? error.message : '';
    if (!isPassing(error)) {
      if (phase() === 'inside' && words === 'Meeting has ended') onEnded();
      else onRefused(words);
    } else if (phase() === 'joining') {
      onRefused(readable(error));
    } else {
      // Without a link its return is the next occasion; with one it is a matter of time.
      this.timer = setTimeout(() => {
        if (signaling.link.state === 'connected') void this.ask();
      }, KNOCK_AGAIN_MS);
    }
  }
}
