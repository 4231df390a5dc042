// Encodings of a track we send, on while somebody watches them (ADD-EV-73).

/** Which of `count` encodings are sent when `highest` is the highest layer anybody watches; null: nobody watches. */
export function watchedEncodings(count: number, highest: number | null): boolean[] {
  // One encoding carries all its layers, or has none: it is sent as long as anybody watches.
  const last = highest === null ? -1 : count === 1 ? 0 : highest;
  return Array.from({ length: count }, (_, index) => index <= last);
}

export type Sender = Pick<RTCRtpSender, 'getParameters' | 'setParameters'>;

/** Turns the encodings of one sender on and off, one change after the other. */
export class LayerSwitch {
  private readonly sender: Sender;
  private highest: number | null = null;
  private turn = Promise.resolve();

  constructor(sender: Sender) {
    this.sender = sender;
  }

  set(highest: number | null): Promise<void> {
    this.highest = highest;
    // A sender that is gone, or busy with a change of its own, goes on as it is; the server says again what it needs.
    this.turn = this.turn.then(() => this.apply()).catch(() => undefined);
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
