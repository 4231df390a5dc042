// A small board of reactions; arrow keys walk over it.
import { type KeyboardEvent, useEffect, useRef } from 'react';
import styles from './EmojiPicker.module.css';
import { EMOJI } from './emoji';

const COLUMNS = 5;
const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -COLUMNS,
  ArrowDown: COLUMNS,
};

interface PickerProps {
  label: string;
  onPick: (emoji: string) => void;
}

export function EmojiPicker({ label, onPick }: PickerProps) {
  const board = useRef<HTMLDivElement>(null);
  useEffect(() => board.current?.querySelector('button')?.focus(), []);
  const key = (event: KeyboardEvent) => {
    const buttons = [...(board.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = buttons[at + (STEPS[event.key] ?? 0)];
    if (!STEPS[event.key] || !next) return;
    event.preventDefault();
    next.focus();
  };
  return (
    <div ref={board} className={styles.picker} role="toolbar" aria-label={label} onKeyDown={key}>
      {EMOJI.map(({ emoji, name }) => (
        <button key={emoji} type="button" aria-label={name} title={name} onClick={() => onPick(emoji)}>
          {emoji}
        </button>
      ))}
    </div>
  );
}
