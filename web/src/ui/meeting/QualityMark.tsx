// How good somebody's connection is: four bars.
import { type Connection, connectionWords } from '../../room/connection';
import type { Quality } from '../../signaling/events';
import styles from './QualityMark.module.css';

const BARS: Record<Quality, number> = { excellent: 4, good: 3, fair: 2, poor: 1 };

interface QualityMarkProps {
  /** Null: not measured yet. */
  quality: Quality | null;
  connection?: Connection | null;
  /** On a picture by itself, within the name on it, or in a list. */
  place: 'picture' | 'name' | 'list';
}

export function QualityMark({ quality, connection = null, place }: QualityMarkProps) {
  const words = connectionWords(quality, connection);
  const bars = quality ? BARS[quality] : 0;
  return (
    <span
      className={`${styles.mark} ${styles[place]}`}
      data-quality={quality ?? undefined}
      title={words}
      data-testid="quality"
    >
      <span className="visually-hidden">{words}</span>
      {[1, 2, 3, 4].map((bar) => (
        <i key={bar} data-lit={bar <= bars || undefined} aria-hidden="true" />
      ))}
    </span>
  );
}
