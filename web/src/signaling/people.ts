// Roles, rights and people as the server's JSON has them.
import type { Quality } from './events';

export type Role = 'host' | 'co_host' | 'presenter' | 'attendee';

export interface Permissions {
  can_share_screen: boolean;
  can_unmute_others: boolean;
  can_manage_participants: boolean;
  can_record: boolean;
  can_manage_breakout_rooms: boolean;
}

/** A change of role, and single rights on top of what the role brings. */
export interface RoleChange {
  new_role: Role;
  permissions?: Partial<Permissions>;
  notify_participant?: boolean;
  notify_others?: boolean;
}

/** Somebody in the directory of the campus (KCS-14). */
export interface DirectoryUser {
  user_id: string;
  name: string;
  email: string;
  user_type: string;
  profile_picture: string | null;
  department: string | null;
}

/** Somebody to be added to a meeting (KCS-11): known by id, or else by address. */
export interface Invitee {
  user_id?: string;
  email?: string;
  name?: string;
  role?: Role;
}

/** A row of the roster (KCS-10). */
export interface RosterRow {
  id: string;
  participant_id: string | null;
  user_id: string | null;
  participant_name: string | null;
  participant_email: string | null;
  role: Role;
  connection_status: 'connected' | 'disconnected' | 'reconnecting';
  connection_quality: Quality;
  joined_at: string | null;
  left_at: string | null;
  permissions: Permissions;
}
