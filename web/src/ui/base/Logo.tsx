// The mark: a half circle of seats around the one who speaks.
import styles from './Logo.module.css';

export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 32 32"
      aria-hidden="true"
      focusable="false"
      className={styles.mark}
    >
      <circle cx="3.6" cy="21" r="2.4" />
      <circle cx="7.6" cy="12.2" r="2.4" />
      <circle cx="16" cy="8.4" r="2.4" />
      <circle cx="24.4" cy="12.2" r="2.4" />
      <circle cx="28.4" cy="21" r="2.4" />
      <circle cx="10.6" cy="20.4" r="2" className={styles.inner} />
      <circle cx="21.4" cy="20.4" r="2" className={styles.inner} />
      <circle cx="16" cy="23.2" r="3.1" className={styles.speaker} />
    </svg>
  );
}

export function Logo({ size = 32 }: { size?: number }) {
  return (
    <span className={styles.logo} style={{ fontSize: size * 0.66 }}>
      <Mark size={size} />
      Plenum
    </span>
  );
}
