// One meeting in a list.
import { useState } from 'react';
import type { Meeting, User } from '../../signaling/meeting';
import { Avatar } from '../base/Avatar';
import { IconButton } from '../base/Button';
import { Icon } from '../base/Icon';
import { notify } from '../notices';
import { Link } from '../router';
import { analyticsPath, detailPath, meetingPath } from './address';
import styles from './MeetingCard.module.css';
import { fromRule, summary } from './recurrence';
import { StopDialog } from './StopDialog';
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
          <Link href={detailPath(meeting.id)} className={styles.name}>
            {meeting.meeting_name}
          </Link>
          {meeting.requires_password && (
            <span className={styles.lock} title="Needs a password">
              <Icon name="lock" size={15} />
              <span className="visually-hidden">needs a password</span>
            </span>
          )}
          {meeting.meeting_status === 'cancelled' && <span className={styles.tag}>Cancelled</span>}
        </h3>
        <Repeats meeting={meeting} />
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
        {meeting.meeting_status === 'ended' && (
          <Link
            className={styles.join}
            href={analyticsPath(meeting.id)}
            aria-label={`Numbers of ${meeting.meeting_name}`}
          >
            <Icon name="chart" size={18} />
            How it was
          </Link>
        )}
      </div>
    </li>
  );
}

function Repeats({ meeting }: { meeting: Meeting }) {
  const rule = meeting.recurrence && fromRule(meeting.recurrence);
  if (!meeting.recurrence) return null;
  return (
    <p className={styles.repeats}>
      <Icon name="repeat" size={14} />
      {rule ? summary(rule, new Date(meeting.meeting_start_time)) : 'Part of a series'}
    </p>
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
