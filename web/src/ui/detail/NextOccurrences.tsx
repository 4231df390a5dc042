// When a series goes on, by its rule.
import type { Meeting } from '../../signaling/meeting';
import { fromRule, occurrences } from '../home/recurrence';
import { clock, day } from '../home/when';
import styles from './DetailPage.module.css';

const SHOWN = 6;

export function NextOccurrences({ meeting }: { meeting: Meeting }) {
  const rule = meeting.recurrence ? fromRule(meeting.recurrence) : null;
  // A rule that counts from its beginning says nothing about what is left; ours end on a day.
  if (!rule || rule.end.by === 'count') return null;
  const start = new Date(meeting.meeting_start_time);
  const next = occurrences(rule, start, SHOWN + 1).slice(1);
  return (
    <section className={styles.box} aria-label="Next meetings of the series">
      <header>
        <h2>Goes on</h2>
      </header>
      {next.length === 0 && <p className={styles.none}>This is the last meeting of the series.</p>}
      <ol className={styles.rows}>
        {next.map((date) => (
          <li key={date.getTime()} className={styles.row} data-testid="occurrence">
            <span className={styles.who}>
              <strong>{day(date.getTime(), Date.now())}</strong>
            </span>
            <span className={styles.side}>{clock(date.getTime())}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
