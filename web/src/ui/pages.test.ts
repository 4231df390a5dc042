import { describe, expect, it } from 'vitest';
import type { User } from '../signaling/meeting';
import { meeting } from '../testing/rest';
import { webhookState } from './admin/webhookState';
import { initials } from './base/Avatar';
import { linked } from './chat/text';
import { meetingIdFrom, meetingPath } from './home/address';
import { emptyDraft, errorsOf, toWire } from './home/draft';
import { matches, sorted } from './home/sorting';
import { routeOf } from './router';

const ADA = { id: 'u1', name: 'Ada', email: 'ada@example.org' } as User;
const NOW = Date.now();

describe('addresses', () => {
  it.each([
    ['https://meet.example.org/m/01HXYZ?x=1', '01HXYZ'],
    ['  /m/01HXYZ  ', '01HXYZ'],
    ['01HXYZABCDEF', '01HXYZABCDEF'],
    ['hello world', null],
    ['', null],
  ])('finds the meeting id in "%s"', (text, id) => {
    expect(meetingIdFrom(text)).toBe(id);
  });

  it('leads back to the meeting it was made for', () => {
    expect(routeOf(meetingPath('a/b'))).toEqual({ page: 'meeting', id: 'a/b' });
    expect(routeOf('/nowhere')).toEqual({ page: 'unknown' });
  });
});

describe('a webhook', () => {
  it.each([
    [true, null, 'On'],
    [false, 'administrator', 'Off'],
    [false, 'gone', 'Off: it answered 410'],
    [false, 'settings', 'Off: not in the settings'],
  ] as const)('says whether it is told (%s, %s)', (enabled, disabled_reason, words) => {
    expect(webhookState({ enabled, disabled_reason })).toBe(words);
  });

  it('has a page for administrators', () => {
    expect(routeOf('/admin/webhooks')).toEqual({ page: 'admin', part: 'webhooks' });
  });
});

describe('the lists', () => {
  const all = [
    meeting('past', 'Kick-off', {}, -30),
    meeting('live', 'Standup', { meeting_status: 'live' }, -9),
    meeting('soon', 'Review', { meeting_description: 'of the lobby' }, 2),
    meeting('next', 'Planning', {}, 1),
    meeting('gone', 'Hiring', { meeting_status: 'cancelled' }, 5),
  ];

  it('sort meetings into live, upcoming by start, and past with the newest first', () => {
    const { live, upcoming, past } = sorted(all, NOW);
    expect(live.map(({ id }) => id)).toEqual(['live']);
    expect(upcoming.map(({ id }) => id)).toEqual(['next', 'soon']);
    expect(past.map(({ id }) => id)).toEqual(['gone', 'past']);
  });

  it('find by name, description and people, every word', () => {
    const review = all[2] as (typeof all)[number];
    expect(matches(review, 'LOBBY review')).toBe(true);
    expect(matches(review, 'ada')).toBe(true);
    expect(matches(review, 'review zebra')).toBe(false);
  });
});

describe('the create form', () => {
  const named = { ...emptyDraft(NOW), name: '  Standup ' };

  it('kcs_01 sends the host as a participant even when nobody is invited', () => {
    expect(toWire(named, ADA, NOW)).toMatchObject({
      meeting_name: 'Standup',
      participants: ['u1'],
      meeting_type: 'instant',
      waiting_room_enabled: false,
    });
  });

  it('kcs_01 never sends an end before the start', () => {
    const { meeting_start_time, meeting_end_time } = toWire(named, ADA, NOW);
    expect(Date.parse(meeting_end_time) - Date.parse(meeting_start_time)).toBe(3_600_000);
  });

  it('sends a password only when there is one', () => {
    expect(toWire(named, ADA, NOW)).not.toHaveProperty('meeting_password');
    expect(toWire({ ...named, password: 'secret1' }, ADA, NOW).meeting_password).toBe('secret1');
  });

  it('tells what is wrong before the server has to', () => {
    const bad = { ...named, name: ' ', password: 'short', maxParticipants: '1', now: false, start: '' };
    expect(Object.keys(errorsOf(bad, NOW)).sort()).toEqual(['maxParticipants', 'name', 'password', 'start']);
    expect(errorsOf(named, NOW)).toEqual({});
  });
});

it('initials are of the first and the last word', () => {
  expect(initials('Ada Maria Lindqvist')).toBe('AL');
  expect(initials('bob')).toBe('B');
  expect(initials('  ')).toBe('?');
});

it('links in chat are found, without the full stop behind them, and nothing else becomes one', () => {
  const parts = linked('See https://example.org/a?b=c. And javascript:alert(1) <b>');
  expect(parts.map(({ text }) => text)).toEqual([
    'See ',
    'https://example.org/a?b=c',
    '. And javascript:alert(1) <b>',
  ]);
  expect(parts.filter(({ href }) => href !== null)).toHaveLength(1);
});
