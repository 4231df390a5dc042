import { describe, expect, it } from 'vitest';
import type { BreakoutRoomsTold, BreakoutRoomTold } from '../signaling/breakouts';
import { breakoutsOf, ownRoom, timeLeft } from './breakouts';
import { reduce } from './reducer';
import { mayChooseRoom, mayReturn, mayShareScreen, mayWrite } from './rights';
import { newPerson, outside, type RoomState } from './state';

const room = (roomId: string, people: string[] = []): BreakoutRoomTold => ({
  roomId,
  name: `Room ${roomId}`,
  description: null,
  capacity: null,
  allowChat: true,
  allowScreenShare: true,
  participants: people.map((participantId) => ({ participantId, userId: participantId, userName: '' })),
});

const told = (rooms = [room('a', ['me', 'bob']), room('b', ['eve'])]): BreakoutRoomsTold => ({
  meetingId: 'm1',
  rooms,
  timeLimitAt: null,
  mayChoose: false,
  mayReturn: true,
});

function meeting(): RoomState {
  const state = outside({ userId: 'u-me', userName: 'Me' });
  const people = Object.fromEntries(
    ['bob', 'eve', 'zoe'].map((key) => [
      key,
      newPerson({ key, participantId: key, userId: key, userName: key }),
    ]),
  );
  const order = Object.keys(people);
  return { ...state, self: { ...state.self, participantId: 'me' }, people, order, near: order };
}

const divided = (rooms?: BreakoutRoomsTold['rooms']) =>
  reduce(meeting(), { type: 'breakouts', breakouts: breakoutsOf(told(rooms)) });

describe('breakout rooms', () => {
  it('c_61 show the people of the own room, and everybody again when they are closed', () => {
    const inside = divided();
    expect(inside.near).toEqual(['bob']);
    expect(ownRoom(inside)?.name).toBe('Room a');
    const back = reduce(inside, { type: 'breakout-place', participantId: 'me', roomId: null });
    expect(back.near).toEqual(['zoe']);
    const closed = reduce(inside, { type: 'breakouts', breakouts: breakoutsOf(told([])) });
    expect(closed.near).toBe(closed.order);
    expect(ownRoom(closed)).toBeNull();
  });

  it('follow people who move and forget those who leave', () => {
    const met = reduce(divided(), { type: 'breakout-place', participantId: 'eve', roomId: 'a' });
    expect(met.near).toEqual(['bob', 'eve']);
    const gone = reduce(met, { type: 'person-left', participantId: 'bob' });
    expect(gone.near).toEqual(['eve']);
    expect(gone.breakouts?.places).toEqual({ me: 'a', eve: 'a' });
    expect(reduce(gone, { type: 'speaker', participantId: null }).near).toBe(gone.near);
  });

  it('take away what they do not allow, and give it back outside', () => {
    const strict = { ...room('a', ['me']), allowChat: false, allowScreenShare: false };
    const inside = divided([strict]);
    expect([mayWrite(inside), mayShareScreen(inside)]).toEqual([false, false]);
    const back = reduce(inside, { type: 'breakout-place', participantId: 'me', roomId: null });
    expect([mayWrite(back), mayShareScreen(back)]).toEqual([true, true]);
  });

  it('c_61 are chosen and left where the host allows it, and always by whoever runs them', () => {
    const inside = divided();
    expect([mayChooseRoom(inside), mayReturn(inside)]).toEqual([false, true]);
    const locked = breakoutsOf({ ...told(), mayReturn: false });
    const kept = reduce(inside, { type: 'breakouts', breakouts: locked });
    expect(mayReturn(kept)).toBe(false);
    const host = { ...kept, self: { ...kept.self, role: 'host' as const } };
    expect([mayChooseRoom(host), mayReturn(host)]).toEqual([true, true]);
    expect(mayReturn({ ...host, self: { ...host.self, participantId: 'zoe' } })).toBe(false);
  });

  it('count their time down', () => {
    expect(timeLeft(null, 0)).toBeNull();
    expect(timeLeft(125_000, 0)).toBe('2:05 left');
    expect(timeLeft(125_000, 124_001)).toBe('0:01 left');
    expect(timeLeft(1_000, 9_000)).toBe('0:00 left');
  });
});
