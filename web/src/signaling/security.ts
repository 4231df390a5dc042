// The security policy of a meeting: as everybody inside hears it, and as hosts read and set it.

/** Whom something is left to; `host` means hosts and co-hosts. */
export type Level = 'host' | 'all';

/** What everybody inside may know (ADD-EV-64). */
export interface SecurityPolicy {
  lockMeeting: boolean;
  /** Null: whoever has the right to record. */
  recordingPermissions: Level | null;
  screenSharePermissions: Level;
  chatPermissions: Level;
  muteOnEntry: boolean;
  disableCamera: boolean;
}

/** The whole of it, in the names of V1-13; `blocked_users` are ids of accounts. */
export interface PolicySettings {
  require_waiting_room: boolean;
  require_password: boolean;
  allow_anonymous_join: boolean;
  max_participants: number;
  allowed_domains: string[];
  blocked_users: string[];
  recording_permissions: Level | null;
  screen_share_permissions: Level;
  chat_permissions: Level;
  mute_on_entry: boolean;
  disable_camera: boolean;
  lock_meeting: boolean;
}

/** Only what is there changes; recording cannot be left to the rights again. */
export type PolicyChange = Partial<Omit<PolicySettings, 'recording_permissions'>> & {
  recording_permissions?: Level;
};
