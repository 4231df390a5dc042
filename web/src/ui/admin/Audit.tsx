// Who did what, when, and what was refused. The trail holds ids and no names.
import { useState } from 'react';
import type { AuditEntry } from '../../signaling/admin';
import { Button } from '../base/Button';
import { Field, FormError, Select } from '../base/Field';
import { clock, day } from '../home/when';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AdminPage.module.css';

const PAGE = 50;

export function Audit() {
  const { rest } = useServices();
  const [outcome, setOutcome] = useState('');
  const [action, setAction] = useState('');
  /** Cursors of the pages gone through, the shown one last. */
  const [pages, setPages] = useState<(string | null)[]>([null]);
  const cursor = pages.at(-1) ?? null;
  const { value, error } = useLoaded(
    () => rest.admin.audit({ outcome, action: action.trim(), limit: PAGE, cursor }),
    [rest, outcome, action, cursor],
  );
  const filter = (change: () => void) => {
    change();
    setPages([null]);
  };
  return (
    <>
      <div className={styles.filters}>
        <Select
          label="Outcome"
          value={outcome}
          options={[
            { value: '', label: 'All' },
            { value: 'granted', label: 'Done' },
            { value: 'refused', label: 'Refused' },
          ]}
          onChange={(wanted) => filter(() => setOutcome(wanted))}
        />
        <Field
          label="What"
          placeholder="meeting.join"
          value={action}
          onChange={(event) => filter(() => setAction(event.target.value))}
        />
      </div>
      {error && <FormError>{error}</FormError>}
      {value && (
        <>
          <div className={styles.table}>
            {value.entries.length === 0 ? (
              <p className={styles.none}>No entries.</p>
            ) : (
              <Entries entries={value.entries} />
            )}
          </div>
          <div className={styles.foot}>
            <span>Newest first</span>
            <div>
              <Button disabled={pages.length === 1} onClick={() => setPages(pages.slice(0, -1))}>
                Newer
              </Button>
              <Button disabled={value.next === null} onClick={() => setPages([...pages, value.next])}>
                Older
              </Button>
            </div>
          </div>
        </>
      )}
    </>
  );
}

function Entries({ entries }: { entries: AuditEntry[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">What</th>
          <th scope="col">Outcome</th>
          <th scope="col">Account</th>
          <th scope="col">About</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row key={entry.id} entry={entry} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ entry }: { entry: AuditEntry }) {
  const at = Date.parse(entry.timestamp);
  const done = entry.outcome === 'granted';
  return (
    <tr data-testid="audit-entry">
      <td>
        {day(at, Date.now())}, {clock(at)}
      </td>
      <td>{entry.action}</td>
      <td>
        <span className={styles.state} data-good={done}>
          {done ? 'Done' : entry.outcome}
        </span>
      </td>
      <td className={styles.break}>{entry.actor_id ?? '–'}</td>
      <td className={`${styles.break} ${styles.soft}`}>
        {[entry.meeting_id, entry.target_id, entry.detail].filter(Boolean).join(' · ')}
      </td>
    </tr>
  );
}
