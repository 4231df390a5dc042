// How a meeting repeats: the form's choices, the RFC 5545 rule that is sent, and both in words. Pure.
import { clock } from './when';

export type Weekday = 'MO' | 'TU' | 'WE' | 'TH' | 'FR' | 'SA' | 'SU';
export type Frequency = 'none' | 'daily' | 'weekly' | 'monthly';

export interface Recurrence {
  frequency: Frequency;
  /** Every so many days, weeks or months. */
  interval: number;
  /** Of a weekly rule; the first occurrence's own day is always one. */
  days: Weekday[];
  end: { by: 'count'; count: number } | { by: 'date'; date: string };
}

export const WEEKDAYS: readonly Weekday[] = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'];
/** The server makes no longer series. */
export const OCCURRENCES_MAX = 366;
const INTERVAL_MAX = 99;

export function noRecurrence(): Recurrence {
  return { frequency: 'none', interval: 1, days: [], end: { by: 'count', count: 10 } };
}

export function weekdayOf(date: Date): Weekday {
  return WEEKDAYS[(date.getDay() + 6) % 7] ?? 'MO';
}

/** The days of a weekly rule, in order, with that of the start: a start the rule does not name is refused. */
export function daysOf({ days }: Recurrence, start: Date): Weekday[] {
  const own = weekdayOf(start);
  return WEEKDAYS.filter((day) => day === own || days.includes(day));
}

/** The choice after the first occurrence was moved to another day: the old day was in it for that occurrence's sake. */
export function moved(recurrence: Recurrence, from: Date, to: Date): Recurrence {
  if (weekdayOf(from) === weekdayOf(to)) return recurrence;
  return { ...recurrence, days: recurrence.days.filter((day) => day !== weekdayOf(from)) };
}

/** The rule, or null when the meeting happens once. `start` is local, as the rule's days are. */
export function toRule(recurrence: Recurrence, start: Date): string | null {
  const { frequency, interval, end } = recurrence;
  if (frequency === 'none') return null;
  const parts = [`FREQ=${frequency.toUpperCase()}`];
  if (interval > 1) parts.push(`INTERVAL=${interval}`);
  if (frequency === 'weekly') parts.push(`BYDAY=${daysOf(recurrence, start).join(',')}`);
  // A number of times becomes the moment of the last one: then every occurrence can tell what follows it.
  const last = end.by === 'count' ? occurrences(recurrence, start, end.count).at(-1) : endOfDay(end.date);
  parts.push(`UNTIL=${(last ?? start).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`);
  return parts.join(';');
}

function endOfDay(date: string): Date {
  return new Date(`${date}T23:59:59`);
}

const FREQUENCIES: Record<string, Frequency> = { DAILY: 'daily', WEEKLY: 'weekly', MONTHLY: 'monthly' };

/** What the form can show of a rule; null for one it cannot (a yearly one, one with exceptions). */
export function fromRule(rule: string): Recurrence | null {
  const fields = new Map(
    rule
      .replace(/^RRULE:/i, '')
      .split(';')
      .map((part) => part.split('=', 2) as [string, string]),
  );
  const frequency = FREQUENCIES[fields.get('FREQ') ?? ''];
  const known = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'COUNT', 'UNTIL', 'WKST']);
  if (!frequency || [...fields.keys()].some((name) => !known.has(name))) return null;
  const days = (fields.get('BYDAY') ?? '').split(',').filter(Boolean);
  if (days.some((day) => !WEEKDAYS.includes(day as Weekday)) || (days.length > 0 && frequency !== 'weekly'))
    return null;
  const until = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)Z?)?/.exec(fields.get('UNTIL') ?? '');
  const end: Recurrence['end'] = until
    ? { by: 'date', date: localDate(until.slice(1)) }
    : { by: 'count', count: Number(fields.get('COUNT') ?? 10) };
  return { frequency, interval: Number(fields.get('INTERVAL') ?? 1), days: days as Weekday[], end };
}

function localDate([year, month, day, hour, minute, second]: string[]): string {
  if (!hour) return `${year}-${month}-${day}`;
  const at = new Date(
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)),
  );
  const two = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The next occurrences from `start` on, at most `most`, in local time. */
export function occurrences(recurrence: Recurrence, start: Date, most: number): Date[] {
  const { frequency, end } = recurrence;
  if (frequency === 'none') return [start];
  const last = end.by === 'date' ? endOfDay(end.date).getTime() : Number.POSITIVE_INFINITY;
  const count = Math.min(most, end.by === 'count' ? end.count : OCCURRENCES_MAX);
  const found: Date[] = [];
  for (const date of candidates(recurrence, start)) {
    if (found.length >= count || date.getTime() > last) break;
    found.push(date);
  }
  return found;
}

/** Months have days that others lack; a rule on the 31st skips those, and so many in a row are impossible. */
const MONTHS_WITHOUT = 60;

function* candidates(recurrence: Recurrence, start: Date): Generator<Date> {
  const { frequency, interval } = recurrence;
  const days = daysOf(recurrence, start).map((day) => WEEKDAYS.indexOf(day));
  const monday = (start.getDay() + 6) % 7;
  let without = 0;
  for (let turn = 0; without < MONTHS_WITHOUT; turn++) {
    if (frequency === 'daily') yield later(start, turn * interval);
    else if (frequency === 'weekly') {
      for (const day of days) {
        const offset = turn * interval * 7 + day - monday;
        if (offset >= 0) yield later(start, offset);
      }
    } else {
      const date = new Date(start);
      date.setMonth(start.getMonth() + turn * interval);
      if (date.getDate() === start.getDate()) yield date;
      else without++;
    }
  }
}

function later(start: Date, days: number): Date {
  const date = new Date(start);
  date.setDate(start.getDate() + days);
  return date;
}

const UNIT: Record<Exclude<Frequency, 'none'>, [string, string]> = {
  daily: ['day', 'days'],
  weekly: ['week', 'weeks'],
  monthly: ['month', 'months'],
};

/** "Every week on Monday and Thursday at 9:00, 10 times". */
export function summary(recurrence: Recurrence, start: Date): string {
  const { frequency, interval, end } = recurrence;
  if (frequency === 'none') return 'Once';
  const [one, many] = UNIT[frequency];
  const every = interval === 1 ? `Every ${one}` : `Every ${interval} ${many}`;
  const on =
    frequency === 'weekly'
      ? ` on ${listed(daysOf(recurrence, start).map((day) => dayName(day)))}`
      : frequency === 'monthly'
        ? ` on day ${start.getDate()}`
        : '';
  const until = end.by === 'count' ? `${end.count} times` : `until ${longDate(end.date)}`;
  return `${every}${on} at ${clock(start.getTime())}, ${until}`;
}

function longDate(date: string): string {
  return new Date(`${date}T12:00`).toLocaleDateString([], { day: 'numeric', month: 'long', year: 'numeric' });
}

export function dayName(day: Weekday, style: 'long' | 'short' | 'narrow' = 'long'): string {
  // The first of January 2024 was a Monday.
  return new Date(2024, 0, 1 + WEEKDAYS.indexOf(day)).toLocaleDateString([], { weekday: style });
}

function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

export function recurrenceError({ frequency, interval, end }: Recurrence, start: Date): string | null {
  if (frequency === 'none') return null;
  if (!Number.isInteger(interval) || interval < 1 || interval > INTERVAL_MAX)
    return `Between 1 and ${INTERVAL_MAX}.`;
  if (end.by === 'count') {
    const fits = Number.isInteger(end.count) && end.count >= 1 && end.count <= OCCURRENCES_MAX;
    return fits ? null : `Between 1 and ${OCCURRENCES_MAX} times.`;
  }
  const last = endOfDay(end.date).getTime();
  return last >= start.getTime() ? null : 'Choose a day after the first meeting.';
}

/** The zone whose clock a series keeps. */
export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** "Europe/Berlin, UTC+1": which clock the times are of. */
export function zoneWords(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const sign = minutes < 0 ? '−' : '+';
  const hours = Math.floor(Math.abs(minutes) / 60);
  const rest = Math.abs(minutes) % 60;
  const offset =
    minutes === 0 ? 'UTC' : `UTC${sign}${hours}${rest ? `:${String(rest).padStart(2, '0')}` : ''}`;
  const name = zone();
  return name === 'UTC' ? 'UTC' : `${name.replaceAll('_', ' ')}, ${offset}`;
}
