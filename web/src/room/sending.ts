// Keeps what we send in step with our switches, over every session we have in a row.
import type { MediaSession } from '../media/session';
import type { Source } from '../signaling/events';

interface Slot {
  track: MediaStreamTrack | null;
  paused: boolean;
}

const OPTIONAL: ReadonlySet<Source> = new Set(['screen', 'screen-audio']);

export class Sending {
  private session: MediaSession | null = null;
  private readonly slots = new Map<Source, Slot>();
  /** Changes of one source are done in order. */
  private readonly turns = new Map<Source, Promise<void>>();

  /** Sends everything through another session from now on; every source is tried before a failure is reported. */
  async attach(session: MediaSession | null): Promise<void> {
    this.session = session;
    const results = await Promise.allSettled([...this.slots.keys()].map((source) => this.bring(source)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** What a source shall send: a track, running or paused. Null: nothing (a camera that is off, a share that ended). */
  set(source: Source, track: MediaStreamTrack | null, paused = false): Promise<void> {
    this.slots.set(source, { track, paused: paused || track === null });
    return this.bring(source);
  }

  track(source: Source): MediaStreamTrack | null {
    return this.slots.get(source)?.track ?? null;
  }

  private bring(source: Source): Promise<void> {
    const turn = (this.turns.get(source) ?? Promise.resolve()).then(() => this.apply(source));
    this.turns.set(
      source,
      turn.catch(() => undefined),
    );
    return turn;
  }

  private async apply(source: Source): Promise<void> {
    const { session } = this;
    const slot = this.slots.get(source);
    if (!session || !slot) return;
    if (session.publishes(source)) {
      if (!slot.track && OPTIONAL.has(source)) return session.unpublish(source);
      if (slot.paused) session.setPaused(source, true);
      await session.replace(source, slot.track);
      if (!slot.paused) session.setPaused(source, false);
      return;
    }
    if (!slot.track) return;
    await session.publish(source, slot.track);
    if (slot.paused) session.setPaused(source, true);
  }
}
