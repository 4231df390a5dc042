// Chooses people: from the directory by name, or anybody by e-mail address.
import { useState } from 'react';
import type { DirectoryUser, Invitee } from '../../signaling/people';
import { Avatar } from '../base/Avatar';
import { Field } from '../base/Field';
import { Icon } from '../base/Icon';
import styles from './InviteDialog.module.css';
import { useDirectory } from './useDirectory';

const EMAIL = /^[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+$/;

/** Somebody chosen, with what to show of them. */
export interface Chosen extends Invitee {
  label: string;
}

interface PickerProps {
  label: string;
  chosen: Chosen[];
  onChange: (chosen: Chosen[]) => void;
  search: (query: string) => Promise<DirectoryUser[]>;
  /** Whether people who are not in the directory can be chosen by address. */
  byEmail: boolean;
}

export function PeoplePicker({ label, chosen, onChange, search, byEmail }: PickerProps) {
  const [text, setText] = useState('');
  const { query, users, error } = useDirectory(text, search);
  const address = byEmail && EMAIL.test(text.trim()) ? text.trim().toLowerCase() : null;
  const known = new Set(chosen.map(({ user_id, email }) => user_id ?? email));
  const open = users.filter(({ user_id }) => !known.has(user_id));
  const take = (one: Chosen) => {
    onChange([...chosen, one]);
    setText('');
  };
  const unlisted =
    address && !users.some(({ email }) => email.toLowerCase() === address) && !known.has(address);
  return (
    <>
      {chosen.length > 0 && (
        <ul className={styles.chosen} aria-label="Chosen">
          {chosen.map((one) => (
            <li key={one.user_id ?? one.email} className={styles.chip}>
              {one.label}
              <button
                type="button"
                aria-label={`Remove ${one.label}`}
                onClick={() => onChange(chosen.filter((other) => other !== one))}
              >
                <Icon name="close" size={14} />
              </button>
            </li>
          ))}
        </ul>
      )}
      <Field
        label={label}
        type="search"
        autoComplete="off"
        data-autofocus
        placeholder={byEmail ? 'Name or e-mail address' : 'Name'}
        value={text}
        error={error}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          const first = open[0];
          if (first) take(picked(first));
          else if (unlisted) take({ email: address, label: address });
        }}
      />
      <ul className={styles.results} aria-label="Found">
        {open.map((user) => (
          <li key={user.user_id}>
            <button type="button" onClick={() => take(picked(user))}>
              <Avatar id={user.user_id} name={user.name} size={36} />
              <span>
                <strong>{user.name}</strong>
                <small>{[user.email, user.department].filter(Boolean).join(' · ')}</small>
              </span>
              <Icon name="plus" size={18} />
            </button>
          </li>
        ))}
        {unlisted && (
          <li>
            <button type="button" onClick={() => take({ email: address, label: address })}>
              <span className={styles.mail}>
                <Icon name="mail" size={18} />
              </span>
              <span>
                <strong>{address}</strong>
                <small>By e-mail</small>
              </span>
              <Icon name="plus" size={18} />
            </button>
          </li>
        )}
      </ul>
      <p className={styles.none} role="status">
        {query !== null && open.length === 0 && !unlisted && !error && `Nobody found for “${query}”.`}
      </p>
    </>
  );
}

function picked({ user_id, name, email }: DirectoryUser): Chosen {
  return { user_id, name, email, label: name || email };
}
