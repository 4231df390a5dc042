// The mark grown to a full hall: rows of seats around the one who speaks.
import styles from './Assembly.module.css';

interface Seat {
  x: number;
  y: number;
  row: number;
  order: number;
}

const ROWS = 6;
const CENTRE = { x: 300, y: 330 };

function seats(): Seat[] {
  const all: Seat[] = [];
  for (let row = 0; row < ROWS; row++) {
    const radius = 84 + row * 38;
    const count = 6 + row * 3;
    for (let n = 0; n < count; n++) {
      const angle = Math.PI * (1.02 - (n / (count - 1)) * 1.04);
      all.push({
        x: CENTRE.x + Math.cos(angle) * radius,
        y: CENTRE.y - Math.sin(angle) * radius,
        row,
        order: all.length,
      });
    }
  }
  return all;
}

const HALL = seats();
/** Seats that light up in turn, as if somebody there asked to speak. */
const LIT = new Set([9, 27, 33, 52, 66]);

export function Assembly() {
  return (
    <svg viewBox="0 0 600 400" className={styles.hall} aria-hidden="true">
      {HALL.map(({ x, y, row, order }) => (
        <circle
          key={order}
          cx={x.toFixed(1)}
          cy={y.toFixed(1)}
          r={9.5 + row * 0.6}
          className={LIT.has(order) ? styles.lit : undefined}
          style={{ opacity: 0.34 + row * 0.1, animationDelay: `${(order % 7) * 1.1}s` }}
        />
      ))}
      <circle cx={CENTRE.x} cy={CENTRE.y} r="24" className={styles.speaker} />
    </svg>
  );
}
