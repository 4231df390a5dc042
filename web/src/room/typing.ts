// Tells the others that somebody writes: not at every key, and no longer than they do.

/** The server forgets a writer after 3 s; telling it this often keeps the notice up without a gap. */
const TELL_AGAIN_MS = 2_000;
/** Nothing written for so long is a pause. */
const PAUSE_MS = 2_500;

export class TypingTeller {
  private readonly tell: (on: boolean) => void;
  private toldAt: number | null = null;
  private pause: ReturnType<typeof setTimeout> | undefined;

  constructor(tell: (on: boolean) => void) {
    this.tell = tell;
  }

  pressed(nowMs: number): void {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.stopped(), PAUSE_MS);
    if (this.toldAt !== null && nowMs - this.toldAt < TELL_AGAIN_MS) return;
    this.toldAt = nowMs;
    this.tell(true);
  }

  stopped(): void {
    clearTimeout(this.pause);
    if (this.toldAt === null) return;
    this.toldAt = null;
    this.tell(false);
  }

  /** A sent line says it by itself. */
  sent(): void {
    clearTimeout(this.pause);
    this.toldAt = null;
  }
}
