// Who did what, when, and what was refused.
import { useState } from 'react';
import type { AuditEntry } from '../../signaling/admin';
import { FormError, Select } from '../base/Field';
import { clock, day } from '../home/when';
import { useServices } from '../services';
import { useLoaded } from '../useLoaded';
import styles from './AdminPage.module.css';
import { Pager } from './Pager';

const PAGE = 50;

export function Audit() {
  const { rest } = useServices();
  const [outcome, setOutcome] = useState('');
  const [offset, setOffset] = useState(0);
  const { value, error } = useLoaded(
    () => rest.admin.audit({ outcome, limit: PAGE, offset }),
    [rest, outcome, offset],
  );
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
          onChange={(wanted) => {
            setOutcome(wanted);
            setOffset(0);
          }}
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
          <Pager
            offset={offset}
            shown={value.entries.length}
            total={value.total}
            page={PAGE}
            onOffset={setOffset}
          />
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
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Outcome</th>
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
  const at = Date.parse(entry.at);
  const done = entry.outcome === 'granted';
  return (
    <tr data-testid="audit-entry">
      <td>
        {day(at, Date.now())}, {clock(at)}
      </td>
      <td className={styles.break}>{entry.actor_name ?? entry.actor_id ?? '–'}</td>
      <td>{entry.action}</td>
      <td>
        <span className={styles.state} data-good={done}>
          {done ? 'Done' : entry.outcome}
        </span>
      </td>
      <td className={`${styles.break} ${styles.soft}`}>
        {[entry.meeting_id, entry.detail].filter(Boolean).join(' · ')}
      </td>
    </tr>
  );
}
