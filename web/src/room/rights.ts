// Who may do what, as far as buttons are concerned; the server decides. Pure.
import type { Permissions, Role } from '../signaling/people';
import type { Level } from '../signaling/security';
import { ownRoom } from './breakouts';
import type { Person, RoomState } from './state';

export const ROLES: readonly Role[] = ['host', 'co_host', 'presenter', 'attendee'];

/** As in "You are … now". */
export const ROLE_WORDS: Record<Role, string> = {
  host: 'a host',
  co_host: 'a co-host',
  presenter: 'a presenter',
  attendee: 'an attendee',
};

/** As a label. */
export const ROLE_LABELS: Record<Role, string> = {
  host: 'Host',
  co_host: 'Co-host',
  presenter: 'Presenter',
  attendee: 'Attendee',
};

/** The rights a role brings, with what the server said about this person on top. */
export function rightsOf(role: Role, said: Partial<Permissions> = {}): Permissions {
  const runs = role === 'host' || role === 'co_host';
  return {
    can_share_screen: said.can_share_screen ?? true,
    can_unmute_others: said.can_unmute_others ?? runs,
    can_manage_participants: said.can_manage_participants ?? runs,
    can_record: said.can_record ?? runs,
    can_manage_breakout_rooms: said.can_manage_breakout_rooms ?? role === 'host',
  };
}

export function isHost(state: RoomState): boolean {
  return state.self.role === 'host' || state.meeting?.creator_id === state.self.userId;
}

/** Hosts and co-hosts run the meeting together: the door, the hands, the numbers. */
export function runsMeeting(state: RoomState): boolean {
  return isHost(state) || state.self.role === 'co_host';
}

export function holds(state: RoomState, right: keyof Permissions): boolean {
  return isHost(state) || state.self.permissions[right];
}

export function mayShareScreen(state: RoomState): boolean {
  const { policy, self, meeting } = state;
  return (
    self.permissions.can_share_screen &&
    meeting?.features?.screen_sharing_enabled !== false &&
    leaves(state, policy.screenSharePermissions) &&
    ownRoom(state)?.allowScreenShare !== false
  );
}

export function mayWrite(state: RoomState): boolean {
  return ownRoom(state)?.allowChat !== false;
}

/** Whether we may go into rooms of our own choice. */
export function mayChooseRoom(state: RoomState): boolean {
  return state.breakouts !== null && (state.breakouts.mayChoose || holds(state, 'can_manage_breakout_rooms'));
}

/** Whether we are in a room that we may leave by ourselves. */
export function mayReturn(state: RoomState): boolean {
  if (!state.breakouts || !ownRoom(state)) return false;
  return state.breakouts.mayReturn || holds(state, 'can_manage_breakout_rooms');
}

export function mayRecord(state: RoomState): boolean {
  const { policy, meeting } = state;
  const right = policy.recordingPermissions === 'all' || holds(state, 'can_record');
  return (
    right &&
    meeting?.features?.recording_enabled === true &&
    leaves(state, policy.recordingPermissions ?? 'all')
  );
}

export function mayChat(state: RoomState): boolean {
  return state.meeting?.features?.chat_enabled !== false && leaves(state, state.policy.chatPermissions);
}

export function mayBeSeen(state: RoomState): boolean {
  return !state.policy.disableCamera || runsMeeting(state);
}

/** Whether the meeting's policy leaves something to us. */
function leaves(state: RoomState, level: Level): boolean {
  return level === 'all' || runsMeeting(state);
}

export function isCreator(state: RoomState, person: Person): boolean {
  return state.meeting?.creator_id === person.userId;
}

/** Whether somebody's entry in the list offers muting, removing and the like to us. */
export function mayManage(state: RoomState, person: Person): boolean {
  if (person.key === state.self.key || !holds(state, 'can_manage_participants')) return false;
  return isHost(state) || !(person.role === 'host' || isCreator(state, person));
}

/** The roles we may give to somebody: a co-host gives none above his own, and nobody demotes the creator. */
export function rolesFor(state: RoomState, person: Person): readonly Role[] {
  if (!runsMeeting(state) || !mayManage(state, person) || isCreator(state, person)) return [];
  return isHost(state) ? ROLES : ROLES.slice(1);
}
