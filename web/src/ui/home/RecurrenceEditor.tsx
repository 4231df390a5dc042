// Whether and how a meeting repeats, with the rule in words and the days that come of it.
import { Field, Select } from '../base/Field';
import styles from './RecurrenceEditor.module.css';
import {
  dayName,
  daysOf,
  type Frequency,
  occurrences,
  type Recurrence,
  summary,
  WEEKDAYS,
  type Weekday,
  weekdayOf,
} from './recurrence';
import { day } from './when';

const NEXT_SHOWN = 5;

interface EditorProps {
  value: Recurrence;
  start: Date;
  error: string | null;
  onChange: (value: Recurrence) => void;
}

export function RecurrenceEditor({ value, start, error, onChange }: EditorProps) {
  const change = (part: Partial<Recurrence>) => onChange({ ...value, ...part });
  return (
    <div className={styles.editor}>
      <Select
        label="Repeats"
        value={value.frequency}
        options={[
          { value: 'none', label: 'Does not repeat' },
          { value: 'daily', label: 'Daily' },
          { value: 'weekly', label: 'Weekly' },
          { value: 'monthly', label: 'Monthly' },
        ]}
        onChange={(frequency) => change({ frequency: frequency as Frequency })}
      />
      {value.frequency !== 'none' && !Number.isNaN(start.getTime()) && (
        <div className={styles.box}>
          {value.frequency === 'weekly' && <Days value={value} start={start} onChange={change} />}
          <Ends value={value} error={error} onChange={change} />
          <Preview value={value} start={start} />
        </div>
      )}
    </div>
  );
}

type Part = { value: Recurrence; onChange: (part: Partial<Recurrence>) => void };

function Days({ value, start, onChange }: Part & { start: Date }) {
  const chosen = daysOf(value, start);
  const own = weekdayOf(start);
  const toggle = (weekday: Weekday) => {
    const days = chosen.includes(weekday) ? chosen.filter((one) => one !== weekday) : [...chosen, weekday];
    onChange({ days });
  };
  return (
    <fieldset className={styles.days}>
      <legend>On</legend>
      {WEEKDAYS.map((weekday) => (
        <label key={weekday} title={weekday === own ? 'The day of the first meeting' : undefined}>
          <input
            type="checkbox"
            aria-label={dayName(weekday)}
            checked={chosen.includes(weekday)}
            disabled={weekday === own}
            onChange={() => toggle(weekday)}
          />
          <span aria-hidden="true">{dayName(weekday, 'short')}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Ends({ value, error, onChange }: Part & { error: string | null }) {
  const { end, interval, frequency } = value;
  const unit = frequency === 'daily' ? 'days' : frequency === 'weekly' ? 'weeks' : 'months';
  const byCount = end.by === 'count';
  return (
    <>
      <div className={styles.row}>
        <Field
          label={`Every so many ${unit}`}
          type="number"
          min={1}
          max={99}
          value={String(interval)}
          onChange={(event) => onChange({ interval: Number(event.target.value) })}
        />
        <Select
          label="Ends"
          value={end.by}
          options={[
            { value: 'count', label: 'After so many times' },
            { value: 'date', label: 'On a day' },
          ]}
          onChange={(by) =>
            onChange({ end: by === 'count' ? { by: 'count', count: 10 } : { by: 'date', date: inMonths(3) } })
          }
        />
      </div>
      {byCount ? (
        <Field
          label="Times"
          type="number"
          min={1}
          max={366}
          value={String(end.count)}
          error={error}
          onChange={(event) => onChange({ end: { by: 'count', count: Number(event.target.value) } })}
        />
      ) : (
        <Field
          label="Last day"
          type="date"
          value={end.date}
          error={error}
          onChange={(event) => onChange({ end: { by: 'date', date: event.target.value } })}
        />
      )}
    </>
  );
}

function inMonths(count: number): string {
  const date = new Date();
  date.setMonth(date.getMonth() + count);
  return date.toISOString().slice(0, 10);
}

function Preview({ value, start }: { value: Recurrence; start: Date }) {
  const next = occurrences(value, start, NEXT_SHOWN + 1);
  const days = next.slice(0, NEXT_SHOWN).map((date) => day(date.getTime(), Date.now()));
  return (
    <div role="status">
      <p className={styles.summary}>{summary(value, start)}</p>
      <p className={styles.next}>
        {days.join(' · ')}
        {next.length > NEXT_SHOWN && ' …'}
      </p>
    </div>
  );
}
