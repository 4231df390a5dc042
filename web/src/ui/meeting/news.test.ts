import { expect, it } from 'vitest';
import { reduce } from '../../room/reducer';
import { outside, type RoomState } from '../../room/state';
import type { MeetingJoined } from '../../signaling/events';
import type { Meeting } from '../../signaling/meeting';
import { news } from './news';

const inside: RoomState = reduce(outside({ userId: 'u-ada', userName: 'Ada' }), {
  type: 'joined',
  joined: {
    meeting: { id: 'm1', creator_id: 'u-ada' } as Meeting,
    participantId: 'p-ada',
    participants: [
      { participantId: 'p-bob', userId: 'u-bob', userName: 'Bob', audio: true, video: true, screen: false },
    ],
  } as unknown as MeetingJoined,
});

const line = (id: string, sender: string, message: string) => {
  const who = { sender_id: sender, sender_name: sender };
  const text = { id, message, timestamp: '2026-01-01T00:00:00Z', recipientType: 'all' as const };
  return { type: 'message' as const, message: { ...who, ...text } };
};

it('a line of somebody else is read out, an own one is not', () => {
  const heard = reduce(inside, line('1', 'u-bob', 'hello'));
  expect(news(inside, heard)).toBe('u-bob writes: hello');
  expect(news(heard, heard)).toBeNull();
  expect(news(inside, reduce(inside, line('2', 'u-ada', 'hello')))).toBeNull();
  expect(news(inside, reduce(inside, line('3', 'u-bob', '')))).toBe('u-bob writes: a file');
});

it('an edit or a deletion is not a new line', () => {
  const heard = reduce(inside, line('1', 'u-bob', 'hello'));
  expect(news(heard, reduce(heard, { type: 'message-edited', id: '1', text: 'ho' }))).toBeNull();
});

it('a raised hand and the recording are said', () => {
  const up = reduce(inside, { type: 'hand', participantId: 'p-bob', raised: true, at: 5 });
  expect(news(inside, up)).toBe('Bob raised a hand.');
  expect(
    news(inside, reduce(inside, { type: 'hand', participantId: 'p-ada', raised: true, at: 5 })),
  ).toBeNull();
  const on = reduce(inside, { type: 'recording', on: true, by: null });
  expect(news(inside, on)).toBe('This meeting is being recorded.');
  expect(news(on, inside)).toBe('The recording has stopped.');
});
