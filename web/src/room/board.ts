// Which track is shown where. Tracks are not state (they cannot be compared or printed), so they hang here.
import type { Source } from '../signaling/events';

export type Spot = `${string}:${Source}`;

export function spot(key: string, source: Source): Spot {
  return `${key}:${source}`;
}

export class TrackBoard {
  private readonly tracks = new Map<Spot, MediaStreamTrack>();
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
    for (const listener of this.listeners) listener();
  }

  clear(): void {
    this.tracks.clear();
    this.audio = [];
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };
}
