// Which track is shown where. Tracks are not state (they cannot be compared or printed), so they hang here.
import type { LayerLimit, Source } from '../signaling/events';

export type Spot = `${string}:${Source}`;

export function spot(key: string, source: Source): Spot {
  return `${key}:${source}`;
}

export class TrackBoard {
  private readonly tracks = new Map<Spot, MediaStreamTrack>();
  /** Places of which nothing comes now, and why. */
  private readonly held = new Map<Spot, LayerLimit>();
  private readonly listeners = new Set<() => void>();
  private audio: readonly [Spot, MediaStreamTrack][] = [];

  get(at: Spot): MediaStreamTrack | null {
    return this.tracks.get(at) ?? null;
  }

  /** Tracks to be heard; the same array until one of them changes. */
  heard = (): readonly [Spot, MediaStreamTrack][] => this.audio;

  put(at: Spot, track: MediaStreamTrack | null): void {
    if (this.get(at) === track) return;
    if (track) this.tracks.set(at, track);
    else this.tracks.delete(at);
    this.audio = [...this.tracks].filter(
      ([place, { kind }]) => kind === 'audio' && !place.startsWith('self:'),
    );
    this.tell();
  }

  /** Why nothing of a track comes although it is wanted; null when it does, or when nobody says. */
  heldBack(at: Spot): LayerLimit | null {
    return this.held.get(at) ?? null;
  }

  holdBack(at: Spot, why: LayerLimit | null): void {
    if (this.heldBack(at) === why) return;
    if (why) this.held.set(at, why);
    else this.held.delete(at);
    this.tell();
  }

  clear(): void {
    this.tracks.clear();
    this.held.clear();
    this.audio = [];
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
}
