// The one place where the state of a meeting changes. Pure.
import type { Action } from './actions';
import { joined, personJoined } from './arrival';
import { moved, withNear } from './breakouts';
import { rightsOf } from './rights';
import { type Person, REACTIONS_MAX, RECENT_SPEAKERS_MAX, type RoomState, SELF } from './state';
import { type TalkAction, type Typist, talk, typing } from './talk';

export function reduce(state: RoomState, action: Action): RoomState {
  return withNear(changedBy(state, action));
}

function changedBy(state: RoomState, action: Action): RoomState {
  switch (action.type) {
    case 'join-asked':
      return {
        ...state,
        phase: state.phase === 'inside' ? 'inside' : 'joining',
        refusal: null,
        self: { ...state.self, userId: action.userId, userName: action.userName },
      };
    case 'joined':
      return joined(state, action.joined);
    case 'waiting':
      return { ...state, phase: 'waiting' };
    case 'refused':
      return { ...state, phase: 'refused', refusal: action.message };
    case 'left':
      return { ...emptied(state), phase: 'left' };
    case 'removed':
      return { ...emptied(state), phase: 'removed' };
    case 'ended':
      return { ...emptied(state), phase: 'ended', endedBy: action.by };
    case 'link':
      return same(state.link, action.up ? 'up' : 'down')
        ? state
        : { ...state, link: action.up ? 'up' : 'down' };
    case 'media-restart':
      return same(state.mediaRestarting, action.on) ? state : { ...state, mediaRestarting: action.on };
    case 'media-reset':
      return withoutProducers(state);
    case 'person-joined':
      return personJoined(state, action.person);
    case 'person-left':
      return personLeft(state, action.participantId);
    case 'grace-over':
      return state.order.reduce((now, key) => (now.people[key]?.lingering ? removed(now, key) : now), state);
    case 'media-updated':
      return changed(state, action.participantId, ({ key }) =>
        // One's own switches are the truth about oneself; the server's echo may be older than the last click.
        key === SELF ? {} : { audio: action.audio, video: action.video, screen: action.screen },
      );
    case 'own-media':
      return ownMedia(state, action);
    case 'producer-added':
      return changed(state, action.participantId, ({ producers }) => ({
        producers: [...producers.filter((p) => p.producerId !== action.producer.producerId), action.producer],
      }));
    case 'producer-closed':
      return changed(state, action.participantId, ({ producers }) => ({
        producers: producers.filter((p) => p.producerId !== action.producerId),
      }));
    case 'producer-paused':
      return changed(state, action.participantId, ({ producers }) => ({
        producers: producers.map((p) =>
          p.producerId === action.producerId ? { ...p, paused: action.paused } : p,
        ),
      }));
    case 'speaker':
      return speaker(state, action.participantId);
    case 'speakers':
      return { ...state, speakers: action.participantIds.flatMap((id) => keyOf(state, id) ?? []) };
    case 'quality':
      return changed(state, action.participantId, () => ({ quality: action.quality }));
    case 'hand':
      return changed(state, action.participantId, ({ handRaisedAt }) => ({
        handRaisedAt: action.raised ? (handRaisedAt ?? action.at) : null,
      }));
    case 'message':
    case 'history':
    case 'message-edited':
    case 'message-deleted':
    case 'message-reaction':
    case 'messages-seen':
      return talked(state, action);
    case 'typing':
      return { ...state, typists: typing(state.typists, named(action), action.on) };
    case 'reaction':
      return reaction(state, action);
    case 'reaction-over':
      return { ...state, reactions: state.reactions.filter(({ id }) => id !== action.id) };
    case 'recording':
      return { ...state, recording: { on: action.on, by: action.by } };
    case 'policy':
      return { ...state, policy: action.policy };
    case 'role':
      return changed(state, action.participantId, () => ({
        role: action.role,
        permissions: rightsOf(action.role, action.permissions),
      }));
    case 'host-muted':
      return { ...state, self: { ...state.self, hostMuted: action.muted } };
    case 'breakouts':
      return { ...state, breakouts: action.breakouts };
    case 'breakout-place':
      return { ...state, breakouts: moved(state.breakouts, action.participantId, action.roomId) };
    case 'panel':
      return { ...state, panel: action.panel, unread: action.panel === 'chat' ? 0 : state.unread };
    case 'request':
      return { ...state, requests: [...without(state, action.request.participantId), action.request] };
    case 'request-answered':
      return { ...state, requests: without(state, action.participantId) };
  }
}

function same<T>(a: T, b: T): boolean {
  return a === b;
}

function without(state: RoomState, participantId: string) {
  return state.requests.filter((request) => request.participantId !== participantId);
}

/** The key under which a participant id is known, or null for a stranger. */
function keyOf(state: RoomState, participantId: string): string | null {
  if (state.self.participantId === participantId) return SELF;
  return state.order.find((key) => state.people[key]?.participantId === participantId) ?? null;
}

function changed(
  state: RoomState,
  participantId: string,
  change: (person: Person) => Partial<Person>,
): RoomState {
  const key = keyOf(state, participantId);
  if (key === null) return state;
  if (key === SELF) return { ...state, self: { ...state.self, ...change(state.self) } };
  const person = state.people[key];
  if (!person) return state;
  return { ...state, people: { ...state.people, [key]: { ...person, ...change(person) } } };
}

function ownMedia(
  state: RoomState,
  media: { audio?: boolean; video?: boolean; screen?: boolean },
): RoomState {
  const { audio = state.self.audio, video = state.self.video, screen = state.self.screen } = media;
  return { ...state, self: { ...state.self, audio, video, screen } };
}

function personLeft(state: RoomState, participantId: string): RoomState {
  const key = keyOf(state, participantId);
  const requests = without(state, participantId);
  if (key === null || key === SELF)
    return requests.length === state.requests.length ? state : { ...state, requests };
  return removed({ ...state, requests }, key);
}

function removed(state: RoomState, key: string): RoomState {
  const { [key]: _gone, ...people } = state.people;
  const gone = state.people[key];
  return {
    ...state,
    people,
    breakouts: moved(state.breakouts, gone?.participantId ?? '', null),
    typists: state.typists.filter(({ userId }) => userId !== gone?.userId),
    reactions: state.reactions.filter((shown) => shown.key !== key),
    order: state.order.filter((other) => other !== key),
    activeSpeaker: state.activeSpeaker === key ? null : state.activeSpeaker,
    speakers: state.speakers.filter((other) => other !== key),
    recentSpeakers: state.recentSpeakers.filter((other) => other !== key),
  };
}

function emptied(state: RoomState): RoomState {
  return {
    ...state,
    people: {},
    order: [],
    activeSpeaker: null,
    speakers: [],
    recentSpeakers: [],
    requests: [],
    typists: [],
    reactions: [],
    recording: { on: false, by: null },
    breakouts: null,
    link: 'up',
  };
}

function withoutProducers(state: RoomState): RoomState {
  const people = Object.fromEntries(
    Object.entries(state.people).map(([key, person]) => [key, { ...person, producers: [] }]),
  );
  return { ...state, people, mediaRestarting: true };
}

function speaker(state: RoomState, participantId: string | null): RoomState {
  const key = participantId === null ? null : keyOf(state, participantId);
  if (key === state.activeSpeaker) return state;
  if (key === null || key === SELF) return { ...state, activeSpeaker: key };
  const recent = [key, ...state.recentSpeakers.filter((other) => other !== key)];
  return { ...state, activeSpeaker: key, recentSpeakers: recent.slice(0, RECENT_SPEAKERS_MAX) };
}

function talked(state: RoomState, action: TalkAction): RoomState {
  const messages = talk(state.messages, action);
  if (messages === state.messages) return state;
  if (action.type !== 'message') return { ...state, messages };
  const { sender_id: sender } = action.message;
  const read = sender === state.self.userId || state.panel === 'chat';
  return {
    ...state,
    messages,
    // A line that has come is not being written any more, whatever order the notices arrive in.
    typists: state.typists.filter(({ userId }) => userId !== sender),
    unread: read ? state.unread : state.unread + 1,
  };
}

function named({ userId, userName }: Typist): Typist {
  return { userId, userName };
}

function reaction(
  state: RoomState,
  {
    id,
    participantId,
    userName,
    reaction,
  }: { id: number; participantId: string; userName: string; reaction: string },
): RoomState {
  const key = keyOf(state, participantId);
  if (key === null) return state;
  const shown = { id, key, userName, reaction };
  return { ...state, reactions: [...state.reactions, shown].slice(-REACTIONS_MAX) };
}
