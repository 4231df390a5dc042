// What everybody should know about the connection right now.
import { useEffect, useRef, useState } from 'react';
import styles from './Banner.module.css';
import { useRoom } from './context';

/** A notice that flashes by is read by nobody: it stays at least this long. */
const SHOWN_MS_MIN = 1_500;

export function Banner() {
  const down = useRoom((state) => state.link === 'down');
  const restarting = useRoom((state) => state.mediaRestarting);
  const text = useLinger(
    down ? 'Connection lost. Reconnecting…' : restarting ? 'Restoring sound and pictures…' : null,
  );
  return (
    <div className={styles.place} role="status" aria-live="assertive">
      {text && (
        <p className={styles.banner} data-testid="connection-notice">
          <span className={styles.spinner} aria-hidden="true" />
          {text}
        </p>
      )}
    </div>
  );
}

/** The text, and for a moment longer when it goes. */
function useLinger(text: string | null): string | null {
  const [shown, setShown] = useState(text);
  const since = useRef(0);
  useEffect(() => {
    if (text !== null) {
      since.current = performance.now();
      setShown(text);
      return;
    }
    const rest = Math.max(0, since.current + SHOWN_MS_MIN - performance.now());
    const timer = setTimeout(() => setShown(null), rest);
    return () => clearTimeout(timer);
  }, [text]);
  return text ?? shown;
}
