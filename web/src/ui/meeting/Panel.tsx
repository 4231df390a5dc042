// The frame of chat and participants: beside the stage, or over it on a phone.
import type { ReactNode } from 'react';
import { IconButton } from '../base/Button';
import { useMeeting } from './context';
import styles from './Panel.module.css';

export function Panel({ title, children }: { title: string; children: ReactNode }) {
  const { conference } = useMeeting();
  return (
    <aside className={styles.panel} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <IconButton
          icon="close"
          label={`Close ${title.toLowerCase()}`}
          onClick={() => conference.openPanel(null)}
        />
      </header>
      {children}
    </aside>
  );
}
