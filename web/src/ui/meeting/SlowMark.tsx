// Says why a picture stands still or is gone: the connection does not carry it.
import { Icon } from '../base/Icon';
import styles from './SlowMark.module.css';

export function SlowMark({ tight }: { tight?: boolean }) {
  return (
    <span className={`${styles.mark} ${tight ? styles.tight : ''}`} data-testid="slow">
      <Icon name="camera-off" size={tight ? 13 : 15} />
      {tight ? 'Slow connection' : 'Video paused: slow connection'}
    </span>
  );
}
