// People arriving: at our own join, at a rejoin after a broken link, and one by one.
//
// A participant id names one join, so after a broken link everybody may carry a new one. Keys bridge that: a person
// found again by participant id, or else by user id, keeps the old key, and with it the tile and the last picture.
import type { MeetingJoined, PresentParticipant } from '../signaling/events';
import { rightsOf } from './rights';
import { NO_POLICY, newPerson, type Person, type RoomState } from './state';

export function joined(state: RoomState, answer: MeetingJoined): RoomState {
  const previousId = state.self.participantId;
  // Our own former session can still be listed when the server has not noticed yet that its link died.
  const present = answer.participants.filter(({ participantId }) => participantId !== previousId);
  const claimed = new Set<string>();
  const people: Record<string, Person> = {};
  const order: string[] = [];

  const claim = (key: string, person: PresentParticipant) => {
    claimed.add(key);
    people[key] = fromWire(key, person, state.people[key]);
    order.push(key);
  };
  const known = present.map((person) => ({ person, key: keyById(state, person.participantId) }));
  for (const { key } of known) if (key) claimed.add(key);
  for (const { person, key } of known) {
    claim(key ?? keyByUser(state, person.userId, claimed) ?? person.participantId, person);
  }
  for (const key of state.order) {
    const old = state.people[key];
    if (!old || claimed.has(key)) continue;
    people[key] = { ...old, lingering: true, producers: [] };
    order.push(key);
  }

  const role = answer.role ?? (answer.meeting.creator_id === state.self.userId ? 'host' : 'attendee');
  return {
    ...state,
    phase: 'inside',
    link: 'up',
    refusal: null,
    meeting: answer.meeting,
    policy: answer.securityPolicy ?? NO_POLICY,
    self: {
      ...state.self,
      participantId: answer.participantId,
      role,
      permissions: rightsOf(role, answer.permissions),
      hostMuted: false,
      handRaisedAt: null,
    },
    people,
    // Rooms that are open are told right behind this.
    breakouts: null,
    typists: [],
    recording: { on: answer.recording?.recording ?? false, by: answer.recording?.startedBy ?? null },
    order: order.sort((a, b) => place(state, a) - place(state, b)),
  };
}

export function personJoined(state: RoomState, arrival: PresentParticipant): RoomState {
  if (arrival.participantId === state.self.participantId) return state;
  const returning = state.order.find((key) => {
    const person = state.people[key];
    return person?.lingering && person.userId === arrival.userId;
  });
  const key = keyById(state, arrival.participantId) ?? returning ?? arrival.participantId;
  const person = fromWire(key, arrival, state.people[key]);
  return {
    ...state,
    people: { ...state.people, [key]: person },
    order: state.order.includes(key) ? state.order : [...state.order, key],
    requests: state.requests.filter((request) => request.participantId !== arrival.participantId),
  };
}

function fromWire(key: string, wire: PresentParticipant, before: Person | undefined): Person {
  const role = wire.role ?? before?.role ?? 'attendee';
  const said = wire.permissions ?? (role === before?.role ? before.permissions : undefined);
  return newPerson({
    key,
    participantId: wire.participantId,
    userId: wire.userId,
    userName: wire.userName,
    role,
    permissions: rightsOf(role, said),
    audio: wire.audio,
    video: wire.video,
    screen: wire.screen,
    handRaisedAt: wire.handRaised ? raisedAt(wire, before) : null,
    quality: wire.connectionQuality ?? before?.quality ?? null,
    producers: wire.producers ?? [],
  });
}

/** Since when a hand is up; a server that does not say so puts it before any raised later. */
function raisedAt(wire: PresentParticipant, before: Person | undefined): number {
  return (wire.raisedAt && Date.parse(wire.raisedAt)) || before?.handRaisedAt || 0;
}

function keyById(state: RoomState, participantId: string): string | null {
  return state.order.find((key) => state.people[key]?.participantId === participantId) ?? null;
}

function keyByUser(state: RoomState, userId: string, taken: Set<string>): string | null {
  return state.order.find((key) => !taken.has(key) && state.people[key]?.userId === userId) ?? null;
}

/** Former places first, newcomers after them. */
function place(before: RoomState, key: string): number {
  const index = before.order.indexOf(key);
  return index === -1 ? before.order.length : index;
}
