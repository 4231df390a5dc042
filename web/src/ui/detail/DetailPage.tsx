// Everything about one meeting without going in: when, who, what was written, what follows.
import { useEffect, useState } from 'react';
import type { Meeting, MeetingStatus, User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { CopyButton } from '../base/CopyButton';
import { FormError } from '../base/Field';
import { Icon } from '../base/Icon';
import { analyticsPath, meetingPath } from '../home/address';
import { Header } from '../home/Header';
import { MeetingForm } from '../home/MeetingForm';
import { fromRule, summary, zoneWords } from '../home/recurrence';
import { StopDialog } from '../home/StopDialog';
import { clock, day } from '../home/when';
import { Link, navigate } from '../router';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import { ChatHistory } from './ChatHistory';
import styles from './DetailPage.module.css';
import { NextOccurrences } from './NextOccurrences';
import { Recordings } from './Recordings';
import { Roster } from './Roster';

const STATUS: Record<MeetingStatus, string> = {
  scheduled: 'Planned',
  live: 'Live',
  ended: 'Ended',
  cancelled: 'Cancelled',
};

export function DetailPage({ meetingId, user }: { meetingId: string; user: User }) {
  const { rest } = useServices();
  const { value: meeting, error, reload } = useLoaded(() => rest.meeting(meetingId), [rest, meetingId]);
  const name = meeting?.meeting_name;
  useEffect(() => {
    document.title = `${name ?? 'Meeting'} · Plenum`;
  }, [name]);
  return (
    <>
      <Header user={user} />
      <main className={styles.page}>
        <Link href="/" className={styles.back}>
          <Icon name="left" size={18} />
          Your meetings
        </Link>
        {error && <FormError>{error}</FormError>}
        {meeting && <About meeting={meeting} user={user} onChanged={reload} />}
      </main>
    </>
  );
}

interface AboutProps {
  meeting: Meeting;
  user: User;
  onChanged: () => Promise<void>;
}

function About({ meeting, user, onChanged }: AboutProps) {
  return (
    <>
      <div className={styles.head}>
        <h1>
          {meeting.meeting_name}
          <span className={styles.tag} data-status={meeting.meeting_status}>
            {STATUS[meeting.meeting_status]}
          </span>
        </h1>
        <Facts meeting={meeting} />
      </div>
      {meeting.meeting_description && <p className={styles.description}>{meeting.meeting_description}</p>}
      <Actions meeting={meeting} user={user} onChanged={onChanged} />
      <div className={styles.columns}>
        <Roster meeting={meeting} user={user} />
        <div className={styles.column}>
          <NextOccurrences meeting={meeting} />
          <Recordings meeting={meeting} />
          <ChatHistory meeting={meeting} user={user} />
        </div>
      </div>
    </>
  );
}

function Facts({ meeting }: { meeting: Meeting }) {
  const start = Date.parse(meeting.meeting_start_time);
  const end = Date.parse(meeting.meeting_end_time);
  const rule = meeting.recurrence && fromRule(meeting.recurrence);
  const host = meeting.participants.find(({ user_id }) => user_id === meeting.creator_id);
  return (
    <ul className={styles.facts}>
      <li>
        <Icon name="calendar" size={17} />
        <span>
          <strong>
            {day(start, Date.now())}, {clock(start)} – {clock(end)}
          </strong>{' '}
          {zoneWords(new Date(start))}
        </span>
      </li>
      {meeting.recurrence && (
        <li>
          <Icon name="repeat" size={17} />
          {rule ? summary(rule, new Date(start)) : 'Part of a series'}
        </li>
      )}
      {host?.name && (
        <li>
          <Icon name="people" size={17} />
          Hosted by {host.name}
        </li>
      )}
      {(meeting.requires_password || meeting.waiting_room_enabled) && (
        <li>
          <Icon name="lock" size={17} />
          {[
            meeting.requires_password && 'Needs a password',
            meeting.waiting_room_enabled && 'Has a waiting room',
          ]
            .filter(Boolean)
            .join(' · ')}
        </li>
      )}
    </ul>
  );
}

function Actions({ meeting, user, onChanged }: AboutProps) {
  const [dialog, setDialog] = useState<'edit' | 'stop' | null>(null);
  const live = meeting.meeting_status === 'live';
  const host = mayEdit(meeting, user);
  const open =
    live || (meeting.meeting_status === 'scheduled' && Date.parse(meeting.meeting_end_time) > Date.now());
  const changed = () => {
    setDialog(null);
    void onChanged();
  };
  return (
    <div className={styles.actions}>
      {open && (
        <Link className={styles.join} href={meetingPath(meeting.id)}>
          {host && !live ? 'Start' : 'Join'}
        </Link>
      )}
      {open && <CopyButton text={location.origin + meetingPath(meeting.id)} />}
      {meeting.meeting_status === 'ended' && (
        <Button look="filled" icon="chart" onClick={() => navigate(analyticsPath(meeting.id))}>
          How it was
        </Button>
      )}
      {host && open && !live && (
        <Button icon="edit" onClick={() => setDialog('edit')}>
          Edit
        </Button>
      )}
      {host && open && (
        <Button icon={live ? 'close' : 'trash'} onClick={() => setDialog('stop')}>
          {live ? 'End' : 'Cancel meeting'}
        </Button>
      )}
      {dialog === 'edit' && (
        <MeetingForm user={user} editing={meeting} onSaved={changed} onClose={() => setDialog(null)} />
      )}
      {dialog === 'stop' && (
        // A cancelled meeting cannot be read any more: back to where it was listed.
        <StopDialog
          meeting={meeting}
          onDone={live ? changed : () => navigate('/')}
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  );
}

/** Hosts change a meeting. */
export function mayEdit(meeting: Meeting, user: User): boolean {
  const listed = meeting.participants.find(({ user_id }) => user_id === user.id);
  return meeting.creator_id === user.id || listed?.role === 'host';
}

/** Hosts and co-hosts invite and remove. */
export function mayInvite(meeting: Meeting, user: User): boolean {
  const listed = meeting.participants.find(({ user_id }) => user_id === user.id);
  return mayEdit(meeting, user) || listed?.role === 'co_host';
}
