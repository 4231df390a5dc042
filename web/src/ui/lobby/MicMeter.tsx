// A row of bars that moves with one's voice, painted without React so that it costs nothing to run.
import { useEffect, useRef } from 'react';
import { meterFor } from '../../media/meter';
import styles from './MicMeter.module.css';

const BARS = 14;
const EVERY_MS = 60;

export function MicMeter({ track }: { track: MediaStreamTrack | null }) {
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!track) return;
    const meter = meterFor(track);
    let shown = 0;
    const timer = setInterval(() => {
      const level = meter.level();
      // Up at once, down slowly: easier on the eye than the raw signal.
      shown = level > shown ? level : shown * 0.82 + level * 0.18;
      const lit = Math.round(shown * BARS);
      element.current?.setAttribute('aria-valuenow', String(Math.round(shown * 100)));
      for (const [index, bar] of [...(element.current?.children ?? [])].entries()) {
        bar.toggleAttribute('data-lit', index < lit);
      }
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      meter.close();
    };
  }, [track]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a meter element cannot be drawn as separate bars
    <div
      ref={element}
      className={styles.meter}
      role="meter"
      aria-label="Microphone level"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
      data-testid="mic-meter"
    >
      {Array.from({ length: BARS }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are a fixed row and have no other identity
        <span key={index} />
      ))}
    </div>
  );
}
