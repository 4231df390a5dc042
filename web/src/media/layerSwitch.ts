// Encodings of a track we send, on while somebody watches them (ADD-EV-73).

/** Which of `count` encodings are sent when `highest` is the highest layer anybody watches; null: nobody watches. */
export function watchedEncodings(count: number, highest: number | null): boolean[] {
  // One encoding carries all its layers, or has none: it is sent as long as anybody watches.
  const last = highest === null ? -1 : count === 1 ? 0 : highest;
  return Array.from({ length: count }, (_, index) => index <= last);
}

export type Sender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>;

/** A sender busy with a change of its own, such as a new offer, is done with it by then. */
export const RETRY_MS = 500;
/** A sender that refuses for so long is gone. */
const RETRIES_MAX = 20;

/** Turns the encodings of one sender on and off, one change after the other. */
export class LayerSwitch {
  private readonly sender: Sender;
  private highest: number | null = null;
  private turn = Promise.resolve();
  private closed = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(sender: Sender) {
    this.sender = sender;
  }

  set(highest: number | null): Promise<void> {
    this.highest = highest;
    return this.attempt(RETRIES_MAX);
  }

  /** Nothing is tried any more. */
  close(): void {
    clearTimeout(this.retry);
    this.closed = true;
  }

  /** The server says once what it needs: what the sender refuses is tried again, while nothing else is asked for. */
  private attempt(left: number): Promise<void> {
    clearTimeout(this.retry);
    this.turn = this.turn
      .then(() => this.apply())
      .catch(() => {
        clearTimeout(this.retry);
        if (left > 0 && !this.closed) this.retry = setTimeout(() => void this.attempt(left - 1), RETRY_MS);
      });
    return this.turn;
  }

  private async apply(): Promise<void> {
    const parameters = this.sender.getParameters();
    const active = watchedEncodings(parameters.encodings.length, this.highest);
    if (parameters.encodings.every((encoding, index) => (encoding.active ?? true) === active[index])) return;
    parameters.encodings.forEach((encoding, index) => {
      encoding.active = active[index] ?? false;
    });
    await this.sender.setParameters(parameters);
  }
}
