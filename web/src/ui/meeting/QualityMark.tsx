// How good somebody's connection is: four bars.
import type { Quality } from '../../signaling/events';
import styles from './QualityMark.module.css';

const BARS: Record<Quality, number> = { excellent: 4, good: 3, fair: 2, poor: 1 };
const WORDS: Record<Quality, string> = {
  excellent: 'Excellent connection',
  good: 'Good connection',
  fair: 'Weak connection',
  poor: 'Poor connection',
};

export function QualityMark({ quality }: { quality: Quality }) {
  return (
    <span className={styles.mark} data-quality={quality} title={WORDS[quality]} data-testid="quality">
      <span className="visually-hidden">{WORDS[quality]}</span>
      {[1, 2, 3, 4].map((bar) => (
        <i key={bar} data-lit={bar <= BARS[quality] || undefined} aria-hidden="true" />
      ))}
    </span>
  );
}
