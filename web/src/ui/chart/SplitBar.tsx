// How a whole divides: one bar, and what each part is.
import styles from './SplitBar.module.css';

export interface Share {
  name: string;
  value: number;
  words: string;
  color: string;
}

export function SplitBar({ label, parts }: { label: string; parts: Share[] }) {
  const some = parts.filter(({ value }) => value > 0);
  return (
    <>
      <div
        className={styles.split}
        role="img"
        aria-label={`${label}: ${parts.map(({ name, words }) => `${name} ${words}`).join(', ')}`}
      >
        {some.map(({ name, value, color }) => (
          <i key={name} style={{ '--share': value, '--color': color } as React.CSSProperties} />
        ))}
      </div>
      <dl className={styles.parts}>
        {parts.map(({ name, words, color }) => (
          <div key={name}>
            <i style={{ '--color': color } as React.CSSProperties} aria-hidden="true" />
            <dt>{name}</dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
