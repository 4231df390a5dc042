// One meeting in a list.
import { useState } from 'react';
import { readable } from '../../signaling/errors';
import type { Meeting, User } from '../../signaling/meeting';
import { Avatar } from '../base/Avatar';
import { Button, IconButton } from '../base/Button';
import { Dialog } from '../base/Dialog';
import { Icon } from '../base/Icon';
import { notify } from '../notices';
import { Link } from '../router';
import { useServices } from '../services';
import { meetingPath } from './address';
import styles from './MeetingCard.module.css';
import { clock, day } from './when';

const FACES_SHOWN = 4;

interface CardProps {
  meeting: Meeting;
  user: User;
  onEdit: (meeting: Meeting) => void;
  onChanged: () => void;
}

export function MeetingCard({ meeting, user, onEdit, onChanged }: CardProps) {
  const start = Date.parse(meeting.meeting_start_time);
  const end = Date.parse(meeting.meeting_end_time);
  const live = meeting.meeting_status === 'live';
  const open = live || (meeting.meeting_status === 'scheduled' && end > Date.now());
  const host = meeting.creator_id === user.id;
  return (
    <li className={`${styles.card} ${live ? styles.live : ''}`}>
      <div className={styles.when}>
        <strong>{live ? 'Live' : day(start, Date.now())}</strong>
        <span>{live ? `since ${clock(start)}` : `${clock(start)} – ${clock(end)}`}</span>
      </div>
      <div className={styles.what}>
        <h3>
          {meeting.meeting_name}
          {meeting.requires_password && (
            <span className={styles.lock} title="Needs a password">
              <Icon name="lock" size={15} />
              <span className="visually-hidden">needs a password</span>
            </span>
          )}
          {meeting.meeting_status === 'cancelled' && <span className={styles.tag}>Cancelled</span>}
        </h3>
        {meeting.meeting_description && <p>{meeting.meeting_description}</p>}
        <Faces meeting={meeting} />
      </div>
      <div className={styles.actions}>
        {open && <CopyLink meeting={meeting} />}
        {host && open && <HostActions meeting={meeting} onEdit={onEdit} onChanged={onChanged} />}
        {open && (
          <Link
            className={`${styles.join} ${live || host ? styles.primary : ''}`}
            href={meetingPath(meeting.id)}
          >
            {host && !live ? 'Start' : 'Join'}
          </Link>
        )}
      </div>
    </li>
  );
}

function Faces({ meeting }: { meeting: Meeting }) {
  const people = meeting.participants;
  const more = people.length - FACES_SHOWN;
  const names = people.map(({ name, email }) => name || email || 'Somebody');
  return (
    <div className={styles.faces} title={names.join(', ')}>
      {people.slice(0, FACES_SHOWN).map(({ id, user_id }, index) => (
        <Avatar key={id} id={user_id ?? id} name={names[index] ?? '?'} size={24} />
      ))}
      <span>{more > 0 ? `+${more}` : people.length === 1 ? 'Only you' : `${people.length} people`}</span>
    </div>
  );
}

function CopyLink({ meeting }: { meeting: Meeting }) {
  const copy = () => {
    const link = location.origin + meetingPath(meeting.id);
    navigator.clipboard.writeText(link).then(
      () => notify('Link copied.'),
      () => notify(`Copy this link: ${link}`),
    );
  };
  return <IconButton icon="copy" label={`Copy link of ${meeting.meeting_name}`} onClick={copy} />;
}

function HostActions({ meeting, onEdit, onChanged }: Omit<CardProps, 'user'>) {
  const [asking, setAsking] = useState(false);
  const live = meeting.meeting_status === 'live';
  const name = meeting.meeting_name;
  return (
    <>
      {!live && <IconButton icon="edit" label={`Edit ${name}`} onClick={() => onEdit(meeting)} />}
      <IconButton
        icon={live ? 'close' : 'trash'}
        label={live ? `End ${name}` : `Cancel ${name}`}
        onClick={() => setAsking(true)}
      />
      {asking && <StopDialog meeting={meeting} onDone={onChanged} onClose={() => setAsking(false)} />}
    </>
  );
}

interface StopProps {
  meeting: Meeting;
  onDone: () => void;
  onClose: () => void;
}

/** Ends a live meeting, cancels one that was never held. */
function StopDialog({ meeting, onDone, onClose }: StopProps) {
  const { rest } = useServices();
  const [busy, setBusy] = useState(false);
  const live = meeting.meeting_status === 'live';
  const stop = async () => {
    setBusy(true);
    try {
      await (live ? rest.end(meeting.id) : rest.cancel(meeting.id));
      notify(live ? 'Meeting ended.' : 'Meeting cancelled.');
      onDone();
    } catch (failure) {
      notify(readable(failure), 'error');
    }
    onClose();
  };
  return (
    <Dialog title={live ? 'End this meeting?' : 'Cancel this meeting?'} narrow onClose={onClose}>
      <p className={styles.question}>
        {live
          ? `Everybody leaves “${meeting.meeting_name}”, and it cannot be joined again.`
          : `“${meeting.meeting_name}” is cancelled for everybody who was invited. This cannot be undone.`}
      </p>
      <div className={styles.answers}>
        <Button onClick={onClose}>Keep it</Button>
        <Button look="danger" busy={busy} onClick={stop}>
          {live ? 'End meeting' : 'Cancel meeting'}
        </Button>
      </div>
    </Dialog>
  );
}
