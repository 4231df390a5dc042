// The short messages, at the bottom, read out politely.
import { dismiss, notices } from '../notices';
import { useStore } from '../useStore';
import { IconButton } from './Button';
import { Icon } from './Icon';
import styles from './Toasts.module.css';

export function Toasts() {
  const shown = useStore(notices, (all) => all);
  return (
    <div className={styles.toasts} role="status" aria-live="polite">
      {shown.map(({ id, text, tone }) => (
        <div key={id} className={`${styles.toast} ${tone === 'error' ? styles.error : ''}`}>
          <Icon name={tone === 'error' ? 'alert' : 'check'} size={18} />
          <span>{text}</span>
          <IconButton icon="close" label="Dismiss" className={styles.dismiss} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
