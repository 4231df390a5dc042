// Inviting people to a meeting, with a word to them.
import { type FormEvent, useCallback, useState } from 'react';
import { readable } from '../../signaling/errors';
import { Button } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { FormError } from '../base/Field';
import { notify } from '../notices';
import { useServices } from '../services';
import styles from './InviteDialog.module.css';
import { type Chosen, PeoplePicker } from './PeoplePicker';

/** The server takes no longer message. */
const MESSAGE_MAX = 500;
const FOUND_MAX = 20;

interface InviteProps {
  meetingId: string;
  onClose: () => void;
  onInvited?: () => void;
}

export function InviteDialog({ meetingId, onClose, onInvited }: InviteProps) {
  const { rest } = useServices();
  const [chosen, setChosen] = useState<Chosen[]>([]);
  const [message, setMessage] = useState('');
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const search = useCallback(
    (query: string) => rest.people.search(meetingId, query, FOUND_MAX),
    [rest, meetingId],
  );
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const people = chosen.map(({ user_id, email, name }) => (user_id ? { user_id } : { email, name }));
      const added = await rest.people.invite(meetingId, people, message.trim());
      notify(added === 1 ? 'One person invited.' : `${added} people invited.`);
      onInvited?.();
      onClose();
    } catch (error) {
      setFailure(readable(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title="Invite people" onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        {failure && <FormError>{failure}</FormError>}
        <PeoplePicker label="Find people" chosen={chosen} onChange={setChosen} search={search} byEmail />
        <label className={styles.message}>
          Message
          <textarea
            maxLength={MESSAGE_MAX}
            placeholder="Goes into the invitation"
            value={message}
            onChange={(event) => setMessage(event.target.value)}
          />
        </label>
        <div className={styles.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="filled" busy={busy} disabled={chosen.length === 0}>
            {chosen.length > 1 ? `Invite ${chosen.length} people` : 'Invite'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
