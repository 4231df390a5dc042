// One round button of the bar.
import { Icon, type IconName } from '../base/Icon';
import styles from './BarButton.module.css';

interface BarButtonProps {
  icon: IconName;
  label: string;
  shortcut?: string;
  tone: 'on' | 'off' | 'active' | 'raised' | 'plain' | 'leave';
  pressed?: boolean;
  badge?: { text: string; loud: boolean };
  onClick: () => void;
}

export function BarButton({ icon, label, shortcut, tone, pressed, badge, onClick }: BarButtonProps) {
  return (
    <button
      type="button"
      className={`${styles.button} ${styles[tone]}`}
      aria-label={badge?.loud ? `${label}, ${badge.text} unread` : label}
      aria-pressed={pressed}
      title={shortcut ? `${label} (${shortcut})` : label}
      onClick={onClick}
    >
      <Icon name={icon} size={22} />
      {badge && (
        <span className={`${styles.badge} ${badge.loud ? styles.loud : ''}`} aria-hidden="true">
          {badge.text}
        </span>
      )}
    </button>
  );
}
