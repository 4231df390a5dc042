// The rooms a meeting is divided into, and who is in which. Pure.
import type { BreakoutRoomsTold, BreakoutRoomTold } from '../signaling/breakouts';
import type { Person, RoomState } from './state';

export type BreakoutRoom = Omit<BreakoutRoomTold, 'participants'>;

export interface Breakouts {
  rooms: BreakoutRoom[];
  /** Room ids by participant id; whoever is not in here is in the main room. */
  places: Record<string, string>;
  /** Milliseconds since 1970, or null without a limit. */
  closesAt: number | null;
  mayChoose: boolean;
  mayReturn: boolean;
}

/** The rooms as they were told; null when none are open. */
export function breakoutsOf(told: BreakoutRoomsTold): Breakouts | null {
  if (told.rooms.length === 0) return null;
  const places: Record<string, string> = {};
  const rooms = told.rooms.map(({ participants, ...room }) => {
    for (const { participantId } of participants) places[participantId] = room.roomId;
    return room;
  });
  const closesAt = told.timeLimitAt === null ? null : Date.parse(told.timeLimitAt);
  return { rooms, places, closesAt, mayChoose: told.mayChoose, mayReturn: told.mayReturn };
}

/** Somebody went to another room. */
export function moved(breakouts: Breakouts | null, participantId: string, roomId: string | null) {
  if (!breakouts || placeOf(breakouts, participantId) === roomId) return breakouts;
  const { [participantId]: _left, ...places } = breakouts.places;
  return { ...breakouts, places: roomId === null ? places : { ...places, [participantId]: roomId } };
}

/** The id of the room somebody is in; null is the main room. */
export function placeOf(breakouts: Breakouts | null, participantId: string): string | null {
  return breakouts?.places[participantId] ?? null;
}

/** The room one is in oneself. */
export function ownRoom({ breakouts, self }: RoomState): BreakoutRoom | null {
  const place = placeOf(breakouts, self.participantId);
  return breakouts?.rooms.find(({ roomId }) => roomId === place) ?? null;
}

/** Those of the people who are in this room. */
export function peopleIn(breakouts: Breakouts | null, people: Person[], roomId: string | null): Person[] {
  return people.filter(({ participantId }) => placeOf(breakouts, participantId) === roomId);
}

/** The state with the people who are in one's own room worked out; the same list as long as nobody comes or goes. */
export function withNear(state: RoomState): RoomState {
  const near = nearIn(state);
  const same = near.length === state.near.length && near.every((key, index) => key === state.near[index]);
  return same ? state : { ...state, near };
}

function nearIn({ breakouts, order, people, self }: RoomState): string[] {
  if (!breakouts) return order;
  const own = placeOf(breakouts, self.participantId);
  return order.filter((key) => placeOf(breakouts, people[key]?.participantId ?? '') === own);
}

/** "12:05 left", counted down; null without a limit. */
export function timeLeft(closesAt: number | null, now: number): string | null {
  if (closesAt === null) return null;
  const seconds = Math.max(0, Math.ceil((closesAt - now) / 1_000));
  const rest = String(seconds % 60).padStart(2, '0');
  return `${Math.floor(seconds / 60)}:${rest} left`;
}
