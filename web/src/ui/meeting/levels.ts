// Loudness on screen: one timer writes a CSS variable on the elements that show it. React never hears of it.
import type { LocalDevices } from '../../media/devices';
import { type Meter, meterFor } from '../../media/meter';
import type { Conference } from '../../room/conference';
import { SELF } from '../../room/state';

const EVERY_MS = 120;
/** Receivers report linear loudness, where a normal voice is around 0.05. */
const REMOTE_GAIN = 5;

export class Levels {
  private readonly elements = new Map<string, Set<HTMLElement>>();

  /** Shows a person's loudness as `--level` on an element until the returned function is called. */
  show(key: string, element: HTMLElement): () => void {
    const shown = this.elements.get(key) ?? new Set();
    shown.add(element);
    this.elements.set(key, shown);
    return () => {
      shown.delete(element);
      if (shown.size === 0) this.elements.delete(key);
    };
  }

  run(conference: Conference, devices: LocalDevices): () => void {
    let own: { track: MediaStreamTrack; meter: Meter } | null = null;
    const timer = setInterval(() => {
      if (document.hidden) return;
      conference.receiving.levels((key, level) => this.write(key, Math.min(1, level * REMOTE_GAIN)));
      const track = devices.store.get().microphone;
      if (own && own.track !== track) {
        own.meter.close();
        own = null;
      }
      if (track && !own) own = { track, meter: meterFor(track) };
      this.write(SELF, own && conference.store.get().self.audio ? own.meter.level() : 0);
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      own?.meter.close();
    };
  }

  private write(key: string, level: number): void {
    for (const element of this.elements.get(key) ?? [])
      element.style.setProperty('--level', level.toFixed(2));
  }
}
