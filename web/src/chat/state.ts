// The standing chat rooms of one person, as plain values: the list, the lines of the open room, who writes, who is there.
import { type TalkAction, type Typist, talk, typing } from '../room/talk';
import type { ChatMessage, ChatRoom } from '../signaling/chat';
import type { ChatStatus } from '../signaling/chatEvents';

export interface RoomsState {
  /** Newest first; null until the server has answered. */
  rooms: ChatRoom[] | null;
  open: string | null;
  /** Lines of the open room. */
  lines: ChatMessage[];
  /** Whether there may be earlier lines than these. */
  more: boolean;
  typists: Typist[];
  /** What is known of people; who is absent here is offline. */
  present: Record<string, ChatStatus>;
  error: string | null;
}

export const NO_ROOMS: RoomsState = {
  rooms: null,
  open: null,
  lines: [],
  more: false,
  typists: [],
  present: {},
  error: null,
};

export type RoomsAction =
  | { type: 'rooms'; rooms: ChatRoom[] }
  | { type: 'failed'; error: string }
  | { type: 'opened'; roomId: string | null }
  | { type: 'page'; roomId: string; lines: ChatMessage[]; more: boolean }
  | { type: 'heard'; roomId: string; line: ChatMessage; own: boolean }
  | { type: 'talked'; roomId: string; change: TalkAction }
  | { type: 'typing'; roomId: string; who: Typist; on: boolean }
  | { type: 'read'; roomId: string }
  | { type: 'present'; users: { userId: string; status: ChatStatus }[] };

export function reduceRooms(state: RoomsState, action: RoomsAction): RoomsState {
  switch (action.type) {
    case 'rooms':
      return { ...state, rooms: action.rooms, error: null };
    case 'failed':
      return { ...state, error: action.error };
    case 'opened':
      if (action.roomId === state.open) return state;
      return { ...state, open: action.roomId, lines: [], more: false, typists: [] };
    case 'page':
      if (action.roomId !== state.open) return state;
      return {
        ...state,
        lines: talk(state.lines, { type: 'history', messages: action.lines }),
        more: action.more,
      };
    case 'heard':
      return heard(state, action.roomId, action.line, action.own);
    case 'talked':
      if (action.roomId !== state.open) return state;
      return { ...state, lines: talk(state.lines, action.change) };
    case 'typing':
      if (action.roomId !== state.open) return state;
      return { ...state, typists: typing(state.typists, action.who, action.on) };
    case 'read':
      return changed(state, action.roomId, { unread: 0 });
    case 'present':
      return {
        ...state,
        present: {
          ...state.present,
          ...Object.fromEntries(action.users.map(({ userId, status }) => [userId, status])),
        },
      };
  }
}

function heard(state: RoomsState, roomId: string, line: ChatMessage, own: boolean): RoomsState {
  const room = state.rooms?.find((one) => one.roomId === roomId);
  if (!room || !state.rooms) return state;
  const open = state.open === roomId;
  const known = room.last?.id === line.id;
  const updated = { ...room, last: line, unread: own || open || known ? room.unread : room.unread + 1 };
  return {
    ...state,
    rooms: [updated, ...state.rooms.filter((one) => one !== room)],
    lines: open ? talk(state.lines, { type: 'message', message: line }) : state.lines,
    typists: open ? state.typists.filter(({ userId }) => userId !== line.sender_id) : state.typists,
  };
}

function changed(state: RoomsState, roomId: string, part: Partial<ChatRoom>): RoomsState {
  const rooms = state.rooms?.map((room) => (room.roomId === roomId ? { ...room, ...part } : room)) ?? null;
  return { ...state, rooms };
}
