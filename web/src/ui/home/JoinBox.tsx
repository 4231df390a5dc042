// Straight in with a link or an id.
import { type FormEvent, useState } from 'react';
import { Button } from '../base/Button';
import { notify } from '../notices';
import { navigate } from '../router';
import { meetingIdFrom, meetingPath } from './address';
import styles from './JoinBox.module.css';

export function JoinBox() {
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const id = meetingIdFrom(text);
    if (id) navigate(meetingPath(id));
    else notify('Paste the link of a meeting or its id.', 'error');
  };
  return (
    <form className={styles.box} onSubmit={submit}>
      <input
        aria-label="Meeting link or id"
        placeholder="Meeting link or id"
        value={text}
        onChange={(event) => setText(event.target.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <Button type="submit" look="plain" disabled={!text.trim()}>
        Join
      </Button>
    </form>
  );
}
