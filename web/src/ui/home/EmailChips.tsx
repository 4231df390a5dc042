// People to invite: type an address, press Enter, and it becomes a chip.
import { type ClipboardEvent, type KeyboardEvent, useId, useState } from 'react';
import { Icon } from '../base/Icon';
import styles from './EmailChips.module.css';

const EMAIL = /^[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+$/;

interface ChipsProps {
  emails: string[];
  onChange: (emails: string[]) => void;
}

export function EmailChips({ emails, onChange }: ChipsProps) {
  const id = useId();
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);

  const take = (typed: string) => {
    const parts = typed.split(/[\s,;]+/).filter(Boolean);
    const good = parts.filter((part) => EMAIL.test(part)).map((part) => part.toLowerCase());
    const rest = parts.filter((part) => !EMAIL.test(part)).join(' ');
    onChange([...new Set([...emails, ...good])]);
    setText(rest);
    setWrong(rest !== '');
  };
  const key = (event: KeyboardEvent) => {
    if (['Enter', ',', ';', ' '].includes(event.key) && text.trim()) {
      event.preventDefault();
      take(text);
    } else if (event.key === 'Backspace' && text === '') {
      onChange(emails.slice(0, -1));
    }
  };
  const paste = (event: ClipboardEvent) => {
    event.preventDefault();
    take(text + event.clipboardData.getData('text'));
  };

  return (
    <div className={styles.field}>
      <label htmlFor={id}>Invite people</label>
      <div className={styles.box}>
        {emails.map((email) => (
          <span key={email} className={styles.chip}>
            {email}
            <button
              type="button"
              aria-label={`Remove ${email}`}
              onClick={() => onChange(emails.filter((other) => other !== email))}
            >
              <Icon name="close" size={14} />
            </button>
          </span>
        ))}
        <input
          id={id}
          type="text"
          inputMode="email"
          autoComplete="off"
          spellCheck={false}
          placeholder={emails.length === 0 ? 'name@example.org' : ''}
          value={text}
          aria-describedby={`${id}-note`}
          aria-invalid={wrong || undefined}
          onChange={(event) => {
            setText(event.target.value);
            setWrong(false);
          }}
          onKeyDown={key}
          onPaste={paste}
          onBlur={() => text.trim() && take(text)}
        />
      </div>
      <p id={`${id}-note`} className={wrong ? styles.wrong : styles.note}>
        {wrong ? 'This is not an e-mail address yet.' : 'E-mail addresses; Enter adds one.'}
      </p>
    </div>
  );
}
