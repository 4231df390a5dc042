// A line without axes: how a number went lately.
import styles from './Sparkline.module.css';

const WIDTH = 100;
const HEIGHT = 40;

export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const top = Math.max(...values, 0.1) * 1.15;
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) => `${(index * step).toFixed(2)} ${(HEIGHT - (value / top) * HEIGHT).toFixed(2)}`,
  );
  const latest = values.at(-1) ?? 0;
  return (
    <svg
      className={styles.spark}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: now ${latest.toFixed(1)}, at most ${Math.max(...values).toFixed(1)}`}
    >
      <path d={`M${points.join('L')}`} />
    </svg>
  );
}
