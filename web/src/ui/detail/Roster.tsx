// Everybody invited or ever inside; hosts invite, change roles and remove from here.
import { useState } from 'react';
import { ROLE_LABELS } from '../../room/rights';
import { readable } from '../../signaling/errors';
import type { Meeting, User } from '../../signaling/meeting';
import type { RosterRow } from '../../signaling/people';
import { Avatar } from '../base/Avatar';
import { Button, IconButton } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { FormError } from '../base/Field';
import { clock } from '../home/when';
import { InviteDialog } from '../invite/InviteDialog';
import { notify } from '../notices';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import { mayInvite } from './DetailPage';
import styles from './DetailPage.module.css';

/** More are shown when asked for. */
const SHOWN = 12;

export function Roster({ meeting, user }: { meeting: Meeting; user: User }) {
  const { rest } = useServices();
  const { value: rows, error, reload } = useLoaded(() => rest.people.roster(meeting.id), [rest, meeting.id]);
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<RosterRow | null>(null);
  const [all, setAll] = useState(false);
  const open = meeting.meeting_status === 'scheduled' || meeting.meeting_status === 'live';
  const manages = open && mayInvite(meeting, user);
  const shown = all ? rows : rows?.slice(0, SHOWN);
  return (
    <section className={styles.box} aria-label="People">
      <header>
        <h2>People{rows && ` · ${rows.length}`}</h2>
        {manages && (
          <Button look="plain" icon="person-plus" onClick={() => setInviting(true)}>
            Invite
          </Button>
        )}
      </header>
      {error && <FormError>{error}</FormError>}
      <ul className={styles.rows}>
        {shown?.map((row) => (
          <Person
            key={row.id}
            row={row}
            creator={row.user_id === meeting.creator_id}
            onRemove={manages && row.user_id !== meeting.creator_id ? () => setRemoving(row) : null}
          />
        ))}
      </ul>
      {rows && shown && rows.length > shown.length && (
        <Button look="plain" onClick={() => setAll(true)}>
          Show all {rows.length}
        </Button>
      )}
      {inviting && (
        <InviteDialog meetingId={meeting.id} onInvited={reload} onClose={() => setInviting(false)} />
      )}
      {removing && (
        <RemoveDialog
          meetingId={meeting.id}
          row={removing}
          onDone={reload}
          onClose={() => setRemoving(null)}
        />
      )}
    </section>
  );
}

interface PersonProps {
  row: RosterRow;
  creator: boolean;
  onRemove: (() => void) | null;
}

function Person({ row, creator, onRemove }: PersonProps) {
  const name = nameOf(row);
  const role = creator ? ROLE_LABELS.host : ROLE_LABELS[row.role];
  const inside = row.connection_status === 'connected';
  return (
    <li className={styles.row} data-testid="roster-row">
      <Avatar id={row.user_id ?? row.id} name={name} size={36} />
      <span className={styles.who}>
        <strong>{name}</strong>
        <small>{role}</small>
      </span>
      <span className={`${styles.side} ${inside ? styles.inside : ''}`}>
        {inside ? 'Inside' : attendance(row)}
      </span>
      {onRemove && <IconButton icon="trash" label={`Remove ${name}`} onClick={onRemove} />}
    </li>
  );
}

function attendance({ joined_at, left_at }: RosterRow): string {
  if (!joined_at) return '';
  return left_at
    ? `${clock(Date.parse(joined_at))} – ${clock(Date.parse(left_at))}`
    : `since ${clock(Date.parse(joined_at))}`;
}

function nameOf({ participant_name, participant_email }: RosterRow): string {
  return participant_name || participant_email || 'Somebody';
}

interface RemoveProps {
  meetingId: string;
  row: RosterRow;
  onDone: () => Promise<void>;
  onClose: () => void;
}

function RemoveDialog({ meetingId, row, onDone, onClose }: RemoveProps) {
  const { rest } = useServices();
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await rest.people.remove(meetingId, [row.id]);
      notify(`${nameOf(row)} was removed.`);
      void onDone();
    } catch (error) {
      notify(readable(error), 'error');
    }
    onClose();
  };
  return (
    <Dialog title={`Remove ${nameOf(row)}?`} narrow onClose={onClose}>
      <p className={styles.side}>The invitation is withdrawn, and a message says so.</p>
      <div className={styles.actions}>
        <Button onClick={onClose}>Keep</Button>
        <Button look="danger" busy={busy} onClick={remove}>
          Remove
        </Button>
      </div>
    </Dialog>
  );
}
