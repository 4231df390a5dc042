// What a meeting looks like from inside, as plain values. No DOM, no sockets, no tracks.
import type { ChatMessage } from '../signaling/chat';
import type { Quality, RemoteProducer } from '../signaling/events';
import type { Meeting } from '../signaling/meeting';
import type { Permissions, Role } from '../signaling/people';
import type { SecurityPolicy } from '../signaling/security';
import type { Breakouts } from './breakouts';
import { rightsOf } from './rights';
import type { Typist } from './talk';

/** The key of oneself among the people; everybody else's key is chosen by the reducer. */
export const SELF = 'self';

export interface Person {
  /** Stays the same while the person's sessions come and go, so that a tile keeps its place and its picture. */
  key: string;
  /** Names one join; a rejoin brings a new one. */
  participantId: string;
  userId: string;
  userName: string;
  role: Role;
  permissions: Permissions;
  audio: boolean;
  video: boolean;
  screen: boolean;
  /** Silenced by a host: the own switch does nothing until that is lifted. */
  hostMuted: boolean;
  /** Milliseconds since 1970, or null while the hand is down. */
  handRaisedAt: number | null;
  quality: Quality | null;
  producers: RemoteProducer[];
  /** Was here before our link broke and has not been seen since: kept on screen for a short grace. */
  lingering: boolean;
}

export type Phase = 'outside' | 'joining' | 'waiting' | 'inside' | 'left' | 'removed' | 'ended' | 'refused';
export type Panel = 'chat' | 'people' | 'numbers' | 'rooms';

export interface JoinRequest {
  participantId: string;
  userName: string;
}

/** A reaction on its way up a tile. */
export interface ShownReaction {
  id: number;
  key: string;
  userName: string;
  reaction: string;
}

/** Somebody to whom a line can be written alone. */
export interface Addressee {
  userId: string;
  userName: string;
}

export interface RoomState {
  phase: Phase;
  /** The server's words for why the join was refused. */
  refusal: string | null;
  link: 'up' | 'down';
  /** True while transports are being made again after the media node was lost. */
  mediaRestarting: boolean;
  meeting: Meeting | null;
  policy: SecurityPolicy;
  self: Person;
  people: Record<string, Person>;
  /** Keys in order of arrival. */
  order: string[];
  /** Those of them who are in one's own room; all while the meeting is not divided. */
  near: string[];
  breakouts: Breakouts | null;
  activeSpeaker: string | null;
  /** Everybody who is heard now, the loudest first. */
  speakers: string[];
  /** Who spoke last, most recent first; at most `RECENT_SPEAKERS_MAX`. */
  recentSpeakers: string[];
  messages: ChatMessage[];
  unread: number;
  typists: Typist[];
  reactions: ShownReaction[];
  /** Whether the meeting says that it is recorded, and who began it. */
  recording: { on: boolean; by: string | null };
  panel: Panel | null;
  requests: JoinRequest[];
  endedBy: string | null;
}

/** Reactions on screen at once; in a hall that applauds the rest would only hide the faces. */
export const REACTIONS_MAX = 40;
/** A server that says nothing of a policy has none. */
export const NO_POLICY: SecurityPolicy = {
  lockMeeting: false,
  recordingPermissions: null,
  screenSharePermissions: 'all',
  chatPermissions: 'all',
  muteOnEntry: false,
  disableCamera: false,
};
/** More than fit on a page; promotion looks no further back. */
export const RECENT_SPEAKERS_MAX = 12;

export function newPerson(fields: Pick<Person, 'key' | 'userId' | 'userName'> & Partial<Person>): Person {
  return {
    participantId: '',
    role: 'attendee',
    permissions: rightsOf(fields.role ?? 'attendee'),
    hostMuted: false,
    audio: true,
    video: true,
    screen: false,
    handRaisedAt: null,
    quality: null,
    producers: [],
    lingering: false,
    ...fields,
  };
}

export function outside(self: { userId: string; userName: string }): RoomState {
  return {
    phase: 'outside',
    refusal: null,
    link: 'up',
    mediaRestarting: false,
    meeting: null,
    policy: NO_POLICY,
    self: newPerson({ key: SELF, ...self, audio: false, video: false }),
    people: {},
    order: [],
    near: [],
    breakouts: null,
    activeSpeaker: null,
    speakers: [],
    recentSpeakers: [],
    messages: [],
    unread: 0,
    typists: [],
    reactions: [],
    recording: { on: false, by: null },
    panel: null,
    requests: [],
    endedBy: null,
  };
}

/** Everybody, oneself first, then by arrival. */
export function everybody(state: RoomState): Person[] {
  return [state.self, ...state.order.flatMap((key) => state.people[key] ?? [])];
}

/** Whether somebody is heard now: above all others, or among them. */
export function isSpeaking(state: RoomState, key: string): boolean {
  return state.activeSpeaker === key || state.speakers.includes(key);
}

/** Keys of raised hands, first raised first. */
export function handQueue(state: RoomState): Person[] {
  return everybody(state)
    .filter((person) => person.handRaisedAt !== null)
    .sort((a, b) => (a.handRaisedAt ?? 0) - (b.handRaisedAt ?? 0));
}

/** Who shares a screen right now: oneself is last, because one knows one's own screen. */
export function sharers(state: RoomState): Person[] {
  const others = state.order.flatMap((key) => state.people[key] ?? []);
  const sharing = others.filter((person) =>
    person.producers.some((producer) => producer.source === 'screen'),
  );
  return state.self.screen ? [...sharing, state.self] : sharing;
}
