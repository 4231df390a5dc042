// Your meetings: live, upcoming, past; a new one; or straight in with a link.
import { useCallback, useEffect, useState } from 'react';
import { isLostLogin, readable } from '../../signaling/errors';
import type { Meeting, User } from '../../signaling/meeting';
import { Button } from '../base/Button';
import { FormError } from '../base/Field';
import { useServices } from '../services';
import { logOut } from '../session';
import { CreatedDialog } from './CreatedDialog';
import { Header } from './Header';
import styles from './HomePage.module.css';
import { JoinBox } from './JoinBox';
import { MeetingForm } from './MeetingForm';
import { MeetingLists } from './MeetingLists';

/** The server lists the latest start first; older ones are asked for when wanted. */
const PAGE = 100;
/** As many as the server lists at once. */
const LISTED_MAX = 1_000;
/** Somebody may start a meeting while we look at the list. */
const REFRESH_MS = 15_000;

export function HomePage({ user }: { user: User }) {
  const { rest } = useServices();
  const [meetings, setMeetings] = useState<Meeting[] | null>(null);
  const [total, setTotal] = useState(0);
  const [limit, setLimit] = useState(PAGE);
  const [error, setError] = useState<string | null>(null);
  const [form, setForm] = useState<{ editing: Meeting | null } | null>(null);
  const [created, setCreated] = useState<Meeting | null>(null);

  const refresh = useCallback(async () => {
    try {
      const listed = await rest.meetings(limit);
      setMeetings(listed.meetings);
      setTotal(listed.total);
      setError(null);
    } catch (failure) {
      if (isLostLogin(failure)) logOut();
      else setError(readable(failure));
    }
  }, [rest, limit]);

  useEffect(() => {
    document.title = 'Meetings · Plenum';
    void refresh();
    const timer = setInterval(() => document.visibilityState === 'visible' && void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, [refresh]);

  const saved = (meeting: Meeting, isNew: boolean) => {
    setForm(null);
    if (isNew) setCreated(meeting);
    void refresh();
  };

  return (
    <>
      <Header user={user} />
      <main className={styles.page}>
        <section className={styles.hero}>
          <div>
            <h1>
              {greeting()}, {firstName(user.name)}
            </h1>
            <p className={styles.lead}>Start a meeting now, plan one, or join with a link.</p>
          </div>
          <div className={styles.actions}>
            <Button look="filled" icon="plus" onClick={() => setForm({ editing: null })}>
              New meeting
            </Button>
            <JoinBox />
          </div>
        </section>
        {error && <FormError>{error}</FormError>}
        <MeetingLists
          meetings={meetings}
          unlisted={total - (meetings?.length ?? 0)}
          user={user}
          onMore={() => setLimit((before) => Math.min(LISTED_MAX, before + PAGE))}
          onEdit={(editing) => setForm({ editing })}
          onChanged={refresh}
          onCreate={() => setForm({ editing: null })}
        />
      </main>
      {form && (
        <MeetingForm user={user} editing={form.editing} onSaved={saved} onClose={() => setForm(null)} />
      )}
      {created && <CreatedDialog meeting={created} onClose={() => setCreated(null)} />}
    </>
  );
}

function greeting(): string {
  const hour = new Date().getHours();
  if (hour < 5 || hour >= 18) return 'Good evening';
  return hour < 12 ? 'Good morning' : 'Good afternoon';
}

function firstName(name: string): string {
  return name.split(' ')[0] ?? name;
}
