// What everybody should know about the connection right now.

import styles from './Banner.module.css';
import { useRoom } from './context';

export function Banner() {
  const down = useRoom((state) => state.link === 'down');
  const restarting = useRoom((state) => state.mediaRestarting);
  const text = down ? 'Connection lost. Reconnecting…' : restarting ? 'Restoring sound and pictures…' : null;
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
