// The three lists with their search.
import { useState } from 'react';
import type { Meeting, User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { Icon } from '../base/Icon';
import { Mark } from '../base/Logo';
import { MeetingCard } from './MeetingCard';
import styles from './MeetingLists.module.css';
import { matches, sorted } from './sorting';

/** A search field over fewer meetings than this is only in the way. */
const SEARCH_FROM = 4;
const PAST_SHOWN = 10;

interface ListsProps {
  meetings: Meeting[] | null;
  /** Older meetings that are not among these. */
  unlisted: number;
  user: User;
  onEdit: (meeting: Meeting) => void;
  onChanged: () => void;
  onCreate: () => void;
  onMore: () => void;
}

export function MeetingLists({ meetings, unlisted, user, onEdit, onChanged, onCreate, onMore }: ListsProps) {
  const [search, setSearch] = useState('');
  const [allPast, setAllPast] = useState(false);
  if (!meetings) return <Skeleton />;
  if (meetings.length === 0) return <Empty onCreate={onCreate} />;

  const found = meetings.filter((meeting) => matches(meeting, search));
  const { live, upcoming, past } = sorted(found, Date.now());
  const pastShown = allPast || search ? past : past.slice(0, PAST_SHOWN);
  const card = (meeting: Meeting) => (
    <MeetingCard key={meeting.id} meeting={meeting} user={user} onEdit={onEdit} onChanged={onChanged} />
  );
  return (
    <>
      {meetings.length >= SEARCH_FROM && (
        <label className={styles.search}>
          <Icon name="search" size={18} />
          <span className="visually-hidden">Search meetings</span>
          <input
            type="search"
            placeholder="Search by name or person"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </label>
      )}
      {live.length > 0 && <List title="Live now">{live.map(card)}</List>}
      {upcoming.length > 0 && <List title="Upcoming">{upcoming.map(card)}</List>}
      {pastShown.length > 0 && <List title="Past">{pastShown.map(card)}</List>}
      {past.length > pastShown.length && (
        <Button look="plain" className={styles.more} onClick={() => setAllPast(true)}>
          Show all {past.length} past meetings
        </Button>
      )}
      {unlisted > 0 && past.length === pastShown.length && (
        <Button look="plain" className={styles.more} onClick={onMore}>
          Look further back: {unlisted} older meetings
        </Button>
      )}
      {found.length === 0 && <p className={styles.none}>No meeting matches “{search}”.</p>}
    </>
  );
}

function List({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className={styles.list}>
      <h2>{title}</h2>
      <ul>{children}</ul>
    </section>
  );
}

function Empty({ onCreate }: { onCreate: () => void }) {
  return (
    <div className={styles.empty}>
      <Mark size={64} />
      <h2>No meetings yet</h2>
      <p>Meetings you create or are invited to appear here.</p>
      <Button look="filled" icon="plus" onClick={onCreate}>
        Create your first meeting
      </Button>
    </div>
  );
}

function Skeleton() {
  return (
    <div className={styles.skeleton} role="status" aria-label="Loading meetings">
      <span />
      <span />
      <span />
    </div>
  );
}
