// Made from /api/openapi.json by `make sdk`; a test compares it with what the server says.

/** Whom something is left to: hosts and co-hosts, or everybody. */
export type LevelBody = 'host' | 'all';

/** What a message carries. */
export type MessageTypeWord = 'text' | 'file' | 'poll' | 'announcement';

/** What somebody is in one meeting. */
export type RoleWord = 'host' | 'co_host' | 'presenter' | 'attendee';

/** ISO 8601 in UTC with milliseconds */
export type Timestamp = string;

/** Who goes where. */
export interface V1AssignBody {
  assignment_type?: V1AssignmentBody | null | undefined;
  breakout_room_id: string;
  /** By session, roster or account id. */
  participant_user_id: string;
}

/** Who goes where. */
export interface V1Assigned {
  breakout_room_id: string;
  /** As it was asked for. */
  participant_user_id: string;
}

/** Who chose a room. */
export type V1AssignmentBody = 'manual' | 'auto';

export interface V1BreakoutAssignedTold {
  name: string | null;
  participant_id: string;
  /** Null: the main room. */
  room_id: string | null;
}

/** A room and who is in it. */
export interface V1BreakoutRoom {
  /** Null: as many as the meeting has. */
  capacity: number | null;
  /** Persons inside. */
  current_participants: number;
  description: string | null;
  is_active: boolean;
  name: string;
  room_id: string;
  participants: V1RoomParticipant[];
  settings: V1RoomSettings;
}

/** The rooms that are open. What is said to all of them is a `chat` of type announcement. */
export interface V1BreakoutRoomsTold {
  allow_participants_to_choose: boolean;
  allow_participants_to_return: boolean;
  /** Empty when no rooms are open. */
  rooms: V1BreakoutRoom[];
  time_limit_at: Timestamp | null;
}

/** The rooms that are open. */
export interface V1Breakouts {
  allow_participants_to_choose: boolean;
  allow_participants_to_return: boolean;
  /** The room of the caller; null is the main room. */
  own_room_id: string | null;
  /** Empty when no rooms are open. */
  rooms: V1BreakoutRoom[];
  time_limit_at: Timestamp | null;
}

/** Rooms to be opened. */
export interface V1BreakoutsBody {
  allow_participants_to_choose?: boolean | null | undefined;
  allow_participants_to_return?: boolean | null | undefined;
  /** Whether attendees inside are spread over the rooms, one after the other. */
  auto_assign?: boolean | null | undefined;
  room_count: number;
  /** At most as many as are counted; those that are missing are named "Breakout Room N". */
  rooms?: V1RoomBody[] | null | undefined;
  /** The rooms close by themselves after so long. */
  time_limit_minutes?: number | null | undefined;
}

/** What was said to all rooms. */
export interface V1Broadcast {
  meeting_id: string | null;
  message: string;
  /** Its place in the meeting's chat. */
  message_id: string;
  sent_at: Timestamp;
}

/** Words for all rooms. */
export interface V1BroadcastBody {
  message: string;
}

/** A message. A deleted one keeps its place and loses what it said. */
export interface V1ChatTold {
  content: string;
  file_name: string | null;
  /** In bytes. */
  file_size: number | null;
  file_type: string | null;
  /** Of a message with a file: where that is. Of one with several, the first. */
  file_url: string | null;
  /** Whether it is for some people only. */
  is_private: boolean;
  message_id: string;
  message_type: MessageTypeWord;
  /** The sender's account, or the session of somebody without one. */
  sender_id: string;
  sender_name: string;
  timestamp: Timestamp;
  /** Of a message to one person; null to all, and to those who run the meeting. */
  recipient_id: string | null;
}

/** A meeting that is over. */
export interface V1Ended {
  duration_minutes: number;
  ended_at: Timestamp | null;
  /** Whoever ended it. */
  ended_by: string;
  meeting_id: string;
}

export interface V1EndedTold {
  ended_at: Timestamp;
  /** `host` or `time-limit`. */
  reason: string;
}

/** A refusal, in the words of REST. */
export interface V1ErrorTold {
  code: string;
  /** What exactly, where there is more to say. */
  details: Record<string, unknown>;
  /** For people, in English. */
  message: string;
  /** The type of the message that was refused; null when it could not be read, and when nothing was asked. */
  request: string | null;
}

export interface V1HandTold {
  /** Place in the queue; 1 is next. Null when lowered. */
  hand_position: number | null;
  is_hand_raised: boolean;
  participant_id: string;
  user_name: string;
}

/** How one comes in. */
export interface V1JoinBody {
  /**
   * What the client calls its connection: a socket of the same label goes on with this session. Also accepted as
   * `connectionId`.
   */
  connection_id?: string | null | undefined;
  /** What the person sits at. Also accepted as `deviceType`. */
  device_type?: string | null | undefined;
  join_muted?: boolean | null | undefined;
  /** The camera is off on entering in any case: it is on once the client says so, or sends a picture. */
  join_without_video?: boolean | null | undefined;
  /** Of meetings that ask for one. */
  meeting_password?: string | null | undefined;
}

/** Somebody inside. */
export interface V1JoinTold {
  device_info: V1JoinToldDeviceInfo;
  is_hand_raised: boolean;
  is_muted: boolean;
  is_screen_sharing: boolean;
  is_video_enabled: boolean;
  joined_at: Timestamp;
  /** This join; another one after leaving and coming back. */
  participant_id: string;
  /** The account, or the session of somebody without one. */
  user_id: string;
  user_name: string;
  user_role: RoleWord;
}

export interface V1JoinToldDeviceInfo {
  device_type: string;
}

/** Somebody who came in, or waits. */
export interface V1Joined {
  is_muted: boolean;
  is_video_enabled: boolean;
  /** Since when he is inside, or waits. */
  joined_at: Timestamp;
  meeting_id: string;
  /** This join; another one has another id. */
  participant_id: string;
  role: RoleWord;
  status: V1PresenceWord;
  user_id: string | null;
}

/** Oneself, and everybody who was inside before, in order of joining. */
export interface V1JoinedTold {
  device_info: V1JoinedToldDeviceInfo;
  is_hand_raised: boolean;
  is_muted: boolean;
  is_screen_sharing: boolean;
  is_video_enabled: boolean;
  joined_at: Timestamp;
  /** This join; another one after leaving and coming back. */
  participant_id: string;
  /** The account, or the session of somebody without one. */
  user_id: string;
  user_name: string;
  user_role: RoleWord;
  participants: V1JoinTold[];
}

export interface V1JoinedToldDeviceInfo {
  device_type: string;
}

export interface V1LeaveTold {
  participant_id: string;
  /** `left`, `disconnected`, `kicked` or `ended`. */
  reason: string;
  user_name: string;
}

/** Somebody who left. */
export interface V1Left {
  duration_minutes: number;
  left_at: Timestamp;
  meeting_id: string;
}

/** How a meeting stands. */
export interface V1MeetingStatus {
  /** Distinct persons inside now. */
  active_participants: number;
  /** Distinct persons who have been inside so far. */
  attendance_count: number;
  ended_at: Timestamp | null;
  /** Whether it is in progress. */
  is_active: boolean;
  is_recording: boolean;
  meeting_id: string;
  started_at: Timestamp | null;
  status: V1StatusWord;
}

/** A message. A deleted one keeps its place and loses what it said. */
export interface V1Message {
  content: string;
  file_name: string | null;
  /** In bytes. */
  file_size: number | null;
  file_type: string | null;
  /** Of a message with a file: where that is. Of one with several, the first. */
  file_url: string | null;
  /** Whether it is for some people only. */
  is_private: boolean;
  message_id: string;
  message_type: MessageTypeWord;
  /** The sender's account, or the session of somebody without one. */
  sender_id: string;
  sender_name: string;
  timestamp: Timestamp;
}

/** A new message. */
export interface V1MessageBody {
  /** May be empty when there is a file. */
  content: string;
  file_name?: string | null | undefined;
  /** In bytes. */
  file_size?: number | null | undefined;
  file_type?: string | null | undefined;
  /**
   * An own upload by the path it was answered with, or a file on another server; that makes it a message of type
   * `file`.
   */
  file_url?: string | null | undefined;
  message_type?: V1MessageType | null | undefined;
  /** Of a private message: whom it is for, by session, roster or account id. */
  recipient_id?: string | null | undefined;
}

/** What a message carries. */
export type V1MessageType = 'text' | 'file' | 'poll' | 'announcement';

/** A room that was opened. */
export interface V1OpenedRoom {
  /** Null: as many as the meeting has. */
  capacity: number | null;
  /** Persons inside. */
  current_participants: number;
  description: string | null;
  is_active: boolean;
  name: string;
  room_id: string;
}

/** A session of a meeting. People without an account have no `user_id`. */
export interface V1Participant {
  device_type: string;
  is_hand_raised: boolean;
  is_muted: boolean;
  is_screen_sharing: boolean;
  is_video_enabled: boolean;
  /** Since when he is inside, or waits. */
  joined_at: Timestamp;
  participant_id: string;
  role: RoleWord;
  status: V1PresenceWord;
  user_id: string | null;
  user_name: string;
}

/** What somebody has switched on. */
export interface V1ParticipantStatus {
  is_hand_raised: boolean;
  is_in_waiting_room: boolean;
  is_muted: boolean;
  is_screen_sharing: boolean;
  is_video_enabled: boolean;
}

/** Nothing. */
export type V1PingTold = Record<string, unknown>;

/** A security policy; whatever is absent stays. */
export interface V1PolicyBody {
  allow_anonymous_join?: boolean | null | undefined;
  /** Of e-mail addresses; empty: all. Does not bind the creator. */
  allowed_domains?: string[] | null | undefined;
  /** Ids of accounts. Whoever is inside is out; hosts cannot be blocked. */
  blocked_users?: string[] | null | undefined;
  chat_permissions?: LevelBody | null | undefined;
  /** Nobody but hosts and co-hosts is seen. */
  disable_camera?: boolean | null | undefined;
  /** Nobody else comes in but hosts. */
  lock_meeting?: boolean | null | undefined;
  /** Removes nobody. */
  max_participants?: number | null | undefined;
  mute_on_entry?: boolean | null | undefined;
  recording_permissions?: LevelBody | null | undefined;
  /** Asks for a password that is there; without one there is nothing to ask for. */
  require_password?: boolean | null | undefined;
  /** When it is switched off, those who wait come in. */
  require_waiting_room?: boolean | null | undefined;
  screen_share_permissions?: LevelBody | null | undefined;
}

/** Nothing. */
export type V1PongTold = Record<string, unknown>;

/** Where somebody is. */
export type V1PresenceWord = 'joined' | 'waiting';

export interface V1ReactionTold {
  /** Seconds to show it. */
  duration: number;
  participant_id: string;
  /** A name such as `thumbs_up`; an emoji that has none as it was sent. */
  reaction_type: string;
  user_name: string;
}

/** Who comes back; nobody named: the caller. */
export interface V1ReturnBody {
  /** Everybody, whoever else is named. */
  everyone?: boolean | null | undefined;
  /** One person, by session, roster or account id. */
  participant_user_id?: string | null | undefined;
}

/** A room to be opened. */
export interface V1RoomBody {
  capacity?: number | null | undefined;
  description?: string | null | undefined;
  name: string;
  settings?: V1RoomSettingsBody | null | undefined;
}

/** A session in a room. */
export interface V1RoomParticipant {
  participant_id: string;
  /** Null for people without an account. */
  user_id: string | null;
  user_name: string;
}

/** What people in a room may do. */
export interface V1RoomSettings {
  allow_chat: boolean;
  allow_screen_share: boolean;
}

/** What people in a room may do. */
export interface V1RoomSettingsBody {
  allow_chat?: boolean | null | undefined;
  allow_screen_share?: boolean | null | undefined;
}

/** A meeting that began. */
export interface V1Started {
  meeting_id: string;
  started_at: Timestamp | null;
  /** Whoever started it. */
  started_by: string;
}

/** A status that changes; whatever is absent stays. */
export interface V1StatusBody {
  is_hand_raised?: boolean | null | undefined;
  /** `false` lets the named person in, and says nothing of whoever is inside. Nobody is sent back: `true` is refused. */
  is_in_waiting_room?: boolean | null | undefined;
  is_muted?: boolean | null | undefined;
  is_screen_sharing?: boolean | null | undefined;
  is_video_enabled?: boolean | null | undefined;
  /**
   * Whose status it is, by session, roster or account id; absent: the caller's. Of others hosts may let in, mute, lift
   * that, and lower hands.
   */
  participant_user_id?: string | null | undefined;
}

/** Where a meeting is in its life; one that runs is in progress (LIFE-10). */
export type V1StatusWord = 'scheduled' | 'in_progress' | 'ended' | 'cancelled';

/** A pass to a LiveKit server. */
export interface V1Token {
  is_host: boolean;
  livekit_url: string;
  meeting_id: string;
  /** For that server alone; here it opens nothing. */
  token: string;
  /** Whom it is for. */
  user_id: string;
  user_name: string;
}

/** Whom a LiveKit token is for. */
export interface V1TokenBody {
  /** Of meetings that ask for one, of those who are not inside. */
  meeting_password?: string | null | undefined;
  /** One's own account; hosts may name anybody's on the roster. */
  user_id: string;
  /** The name to be shown there. */
  user_name: string;
}

export interface V1UpdateTold {
  /** Waits to be let in; or, to whoever waited: is inside. */
  is_in_waiting_room?: boolean | undefined;
  is_muted?: boolean | undefined;
  /** A host silenced you: the microphone stays off until this is lifted. To that person alone. */
  is_muted_by_host?: boolean | undefined;
  is_screen_sharing?: boolean | undefined;
  is_video_enabled?: boolean | undefined;
  participant_id?: string | undefined;
  user_name?: string | undefined;
  user_role?: RoleWord | undefined;
}

/** What each operation takes and answers, by its name in the description. */
export interface Operations {
  /** GET /api/v1/meetings/{meeting_id}/breakout-rooms: List breakout rooms */
  v1ListBreakoutRooms: {
    body: undefined;
    query: undefined;
    data: V1Breakouts;
  };
  /** POST /api/v1/meetings/{meeting_id}/breakout-rooms: Create breakout rooms */
  v1CreateBreakoutRooms: {
    body: V1BreakoutsBody;
    query: undefined;
    data: V1OpenedRoom[];
  };
  /** DELETE /api/v1/meetings/{meeting_id}/breakout-rooms: Close the breakout rooms */
  v1CloseBreakoutRooms: {
    body: undefined;
    query: undefined;
    data: V1BreakoutRoom[];
  };
  /** POST /api/v1/meetings/{meeting_id}/breakout-rooms/assign: Assign somebody to a breakout room */
  v1AssignBreakoutRoom: {
    body: V1AssignBody;
    query: undefined;
    data: V1Assigned;
  };
  /** POST /api/v1/meetings/{meeting_id}/breakout-rooms/broadcast: Say something to all breakout rooms */
  v1BroadcastToBreakoutRooms: {
    body: V1BroadcastBody;
    query: undefined;
    data: V1Broadcast;
  };
  /** POST /api/v1/meetings/{meeting_id}/breakout-rooms/return: Return to the main room */
  v1ReturnFromBreakoutRoom: {
    body: V1ReturnBody;
    query: undefined;
    data: V1Breakouts;
  };
  /** GET /api/v1/meetings/{meeting_id}/chat: What was said in a meeting */
  v1ListMessages: {
    body: undefined;
    query: {
      /** The newest so many, 50 without it; more than 500 are clamped. */
      limit?: number | undefined;
      /** How many of the newest to leave out. */
      offset?: number | undefined;
    };
    data: V1Message[];
  };
  /** POST /api/v1/meetings/{meeting_id}/chat: Say something in a meeting */
  v1SendMessage: {
    body: V1MessageBody;
    query: undefined;
    data: V1Message;
  };
  /** POST /api/v1/meetings/{meeting_id}/end: End a meeting */
  v1EndMeeting: {
    body: undefined;
    query: undefined;
    data: V1Ended;
  };
  /** POST /api/v1/meetings/{meeting_id}/join: Enter a meeting */
  v1JoinMeeting: {
    body: V1JoinBody;
    query: undefined;
    data: V1Joined;
  };
  /** POST /api/v1/meetings/{meeting_id}/leave: Leave a meeting */
  v1LeaveMeeting: {
    body: undefined;
    query: undefined;
    data: V1Left;
  };
  /** GET /api/v1/meetings/{meeting_id}/participants: Who is inside */
  v1ListParticipants: {
    body: undefined;
    query: undefined;
    data: V1Participant[];
  };
  /** PUT /api/v1/meetings/{meeting_id}/participants/status: Change a status */
  v1UpdateParticipantStatus: {
    body: V1StatusBody;
    query: undefined;
    data: V1ParticipantStatus;
  };
  /** POST /api/v1/meetings/{meeting_id}/security/policy: Set the security policy */
  v1ApplySecurityPolicy: {
    body: V1PolicyBody;
    query: undefined;
    data: null;
  };
  /** POST /api/v1/meetings/{meeting_id}/start: Start a meeting */
  v1StartMeeting: {
    body: undefined;
    query: undefined;
    data: V1Started;
  };
  /** GET /api/v1/meetings/{meeting_id}/status: How a meeting stands */
  v1GetMeetingStatus: {
    body: undefined;
    query: undefined;
    data: V1MeetingStatus;
  };
  /** POST /api/v1/meetings/{meeting_id}/token: Make a LiveKit token */
  v1CreateLivekitToken: {
    body: V1TokenBody;
    query: undefined;
    data: V1Token;
  };
}

/** What the messages of the event stream carry as `data`, by their type. */
export interface EventData {
  /** Somebody is in another room now. To everybody inside; of many who move at once each hears it of himself, and everybody hears `breakout_rooms_changed`. */
  breakout_assigned: V1BreakoutAssignedTold;
  /** Which breakout rooms there are now, and who is in which. To everybody inside, and to whoever enters while there are some. */
  breakout_rooms_changed: V1BreakoutRoomsTold;
  /** A message was said. To those it is for, the sender included. */
  chat: V1ChatTold;
  /** What was sent is refused, or a wait was in vain; the connection stays. Or the token counts no longer, and it closes. To whoever sent it. */
  error: V1ErrorTold;
  /** A hand went up or down. To everybody inside, but not to whoever did it by this connection. */
  hand_raise: V1HandTold;
  /** Somebody came in. To everybody else inside. */
  join: V1JoinTold;
  /** You are inside. To whoever sent `join`, at once or after waiting. */
  joined: V1JoinedTold;
  /** Somebody is no longer inside. To everybody who is, and to whoever left or was removed. */
  leave: V1LeaveTold;
  /** The meeting is over for good; the connection closes with 1000. To everybody inside and waiting. */
  meeting_ended: V1EndedTold;
  /** Something about somebody changed, or somebody waits, or waits no longer. What is absent is as it was. To everybody inside, but not to whoever did it by this connection; about waiting to hosts, co-hosts and whoever waits. */
  participant_update: V1UpdateTold;
  /** Asks for a `pong`. This server asks by the pings of the protocol instead. */
  ping: V1PingTold;
  /** Answers `ping`. */
  pong: V1PongTold;
  /** Somebody reacted. To everybody else inside. */
  reaction: V1ReactionTold;
}

/** The messages that tell what happens: pings are answered, errors are told as such. */
export const serverEvents = ['breakout_assigned', 'breakout_rooms_changed', 'chat', 'hand_raise', 'join', 'joined', 'leave', 'meeting_ended', 'participant_update', 'reaction'] as const;

/** What the server may refuse with, as far as it is described. */
export type ServerCode =
  | 'ATTACHMENT_NOT_FOUND'
  | 'BREAKOUT_ROOM_FULL'
  | 'BREAKOUT_ROOM_NOT_FOUND'
  | 'CHAT_DISABLED'
  | 'INSUFFICIENT_PERMISSION'
  | 'INTERNAL_ERROR'
  | 'INVALID_MEETING_PASSWORD'
  | 'LIVEKIT_TOKEN_ERROR'
  | 'MAX_PARTICIPANTS_REACHED'
  | 'MEETING_ALREADY_ACTIVE'
  | 'MEETING_CANNOT_BE_STARTED'
  | 'MEETING_ENDED'
  | 'MEETING_LOCKED'
  | 'MEETING_NOT_ACTIVE'
  | 'MEETING_NOT_FOUND'
  | 'MEETING_PASSWORD_REQUIRED'
  | 'MEETING_PAST'
  | 'PARTICIPANT_NOT_FOUND'
  | 'PAYLOAD_TOO_LARGE'
  | 'RATE_LIMIT_EXCEEDED'
  | 'SCREEN_SHARE_DISABLED'
  | 'SERVICE_UNAVAILABLE'
  | 'UNAUTHORIZED'
  | 'VALIDATION_ERROR'
  | 'WAITING_ROOM_REQUIRED';
