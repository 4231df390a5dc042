// Reactions, from the bar. On a phone they are in the menu instead.
import { useRef, useState } from 'react';
import { useDismiss } from '../base/useDismiss';
import { EmojiPicker } from '../chat/EmojiPicker';
import { BarButton } from './BarButton';
import { useMeeting } from './context';
import styles from './ReactButton.module.css';

export function ReactButton() {
  const { conference } = useMeeting();
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  useDismiss(place, open, () => setOpen(false));
  const pick = (emoji: string) => {
    setOpen(false);
    place.current?.querySelector('button')?.focus();
    void conference.react(emoji);
  };
  return (
    <div ref={place} className={styles.place}>
      <BarButton icon="smile" label="React" tone="on" pressed={open} onClick={() => setOpen(!open)} />
      {open && (
        <div className={styles.board}>
          <EmojiPicker label="Reactions" onPick={pick} />
        </div>
      )}
    </div>
  );
}
