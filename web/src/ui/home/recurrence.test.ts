import { describe, expect, it } from 'vitest';
import {
  fromRule,
  moved,
  noRecurrence,
  occurrences,
  type Recurrence,
  recurrenceError,
  summary,
  toRule,
} from './recurrence';

/** A Thursday, ten o'clock here. */
const START = new Date(2027, 2, 4, 10, 0);

const weekly = (more: Partial<Recurrence> = {}): Recurrence => ({
  ...noRecurrence(),
  frequency: 'weekly',
  days: ['MO'],
  end: { by: 'count', count: 4 },
  ...more,
});

const dates = (recurrence: Recurrence, most = 10) =>
  occurrences(recurrence, START, most).map((date) => `${date.getMonth() + 1}-${date.getDate()}`);

describe('the rule that is sent', () => {
  it('c_39 names the day of the start, because the server refuses a start that the rule does not name', () => {
    expect(toRule(weekly(), START)).toMatch(/^FREQ=WEEKLY;BYDAY=MO,TH;UNTIL=/);
  });

  it('c_39 ends at the last of the times that were asked for', () => {
    const until = /UNTIL=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(toRule(weekly(), START) ?? '');
    const [year, month, day, hour] = (until ?? []).slice(1).map(Number) as [number, number, number, number];
    expect(Date.UTC(year, month - 1, day, hour)).toBe(new Date(2027, 2, 15, 10, 0).getTime());
  });

  it('is none for a meeting that happens once', () => {
    expect(toRule(noRecurrence(), START)).toBeNull();
  });

  it('is read back as it was chosen, with its end as a day', () => {
    const read = fromRule(`RRULE:${toRule(weekly({ interval: 2 }), START)}`);
    expect(read).toMatchObject({ frequency: 'weekly', interval: 2, days: ['MO', 'TH'], end: { by: 'date' } });
    expect(fromRule('FREQ=MONTHLY;COUNT=5')).toMatchObject({
      frequency: 'monthly',
      end: { by: 'count', count: 5 },
    });
  });

  it.each([
    'FREQ=YEARLY;COUNT=3',
    'FREQ=MONTHLY;BYDAY=2MO;COUNT=3',
    'FREQ=DAILY;BYHOUR=9;COUNT=3',
    'nonsense',
  ])('is left alone where the form cannot show it: %s', (rule) => expect(fromRule(rule)).toBeNull());
});

it('a first meeting that is moved takes its day along, and the other days stay', () => {
  const friday = new Date(2027, 2, 5, 10, 0);
  expect(moved(weekly({ days: ['MO', 'TH'] }), START, friday).days).toEqual(['MO']);
  expect(moved(weekly({ days: ['MO', 'TH'] }), START, new Date(2027, 2, 4, 16, 0)).days).toEqual([
    'MO',
    'TH',
  ]);
});

describe('the days that come of it', () => {
  it('are of every chosen weekday, from the start on', () => {
    expect(dates(weekly())).toEqual(['3-4', '3-8', '3-11', '3-15']);
    expect(dates(weekly({ interval: 2 }))).toEqual(['3-4', '3-15', '3-18', '3-29']);
  });

  it('skip months that lack the day', () => {
    const last = new Date(2027, 0, 31, 9, 0);
    const monthly: Recurrence = { ...noRecurrence(), frequency: 'monthly', end: { by: 'count', count: 3 } };
    expect(occurrences(monthly, last, 5).map((date) => date.getMonth() + 1)).toEqual([1, 3, 5]);
  });

  it('end with the last day', () => {
    const daily: Recurrence = {
      ...noRecurrence(),
      frequency: 'daily',
      end: { by: 'date', date: '2027-03-06' },
    };
    expect(dates(daily)).toEqual(['3-4', '3-5', '3-6']);
  });

  it('keep their local time across daylight saving', () => {
    const daily: Recurrence = { ...noRecurrence(), frequency: 'daily', end: { by: 'count', count: 60 } };
    expect(new Set(occurrences(daily, START, 60).map((date) => date.getHours()))).toEqual(new Set([10]));
  });
});

it('is said in words', () => {
  expect(summary(weekly(), START)).toMatch(/^Every week on Monday and Thursday at 10:00.*, 4 times$/);
  expect(summary(noRecurrence(), START)).toBe('Once');
});

it('tells what is wrong before the server has to', () => {
  expect(recurrenceError(weekly({ end: { by: 'count', count: 400 } }), START)).toContain('366');
  expect(recurrenceError(weekly({ end: { by: 'date', date: '2027-03-01' } }), START)).not.toBeNull();
  expect(recurrenceError(weekly({ interval: 0 }), START)).not.toBeNull();
  expect(recurrenceError(weekly(), START)).toBeNull();
});
