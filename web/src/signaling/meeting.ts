// The REST words of the server: people and meetings as its JSON has them.
import type { PolicySettings } from './security';

export interface User {
  id: string;
  name: string;
  email: string;
  role: string;
  user_type: string;
  campus_id: string;
}

export type MeetingStatus = 'scheduled' | 'live' | 'ended' | 'cancelled';

export interface ListedParticipant {
  id: string;
  user_id: string | null;
  email: string | null;
  name: string | null;
  role: string;
}

export interface MeetingFeatures {
  video_enabled: boolean;
  audio_enabled: boolean;
  screen_sharing_enabled: boolean;
  chat_enabled: boolean;
  hand_raise_enabled: boolean;
  recording_enabled?: boolean;
}

export interface Meeting {
  id: string;
  meeting_name: string;
  meeting_description: string;
  meeting_start_time: string;
  meeting_end_time: string;
  meeting_status: MeetingStatus;
  meeting_type: 'scheduled' | 'instant' | 'recurring';
  creator_id: string;
  started_at?: string | null;
  ended_at?: string | null;
  /** The RFC 5545 rule of a series (C-39). */
  recurrence?: string | null;
  /** IANA name of the zone whose local times the series keeps. */
  recurrence_timezone?: string | null;
  series_id?: string | null;
  participants: ListedParticipant[];
  max_participants: number;
  waiting_room_enabled: boolean;
  require_host_approval?: boolean;
  allow_guests: boolean;
  requires_password: boolean;
  features: MeetingFeatures;
  /** Shown to its hosts where one meeting is looked at. */
  security_policy?: PolicySettings;
}

/** What create and update send. `null` as the password removes it. */
export interface MeetingDraft {
  meeting_name: string;
  meeting_description: string;
  meeting_start_time: string;
  meeting_end_time: string;
  meeting_location: string;
  participants: string[];
  meeting_type: 'scheduled' | 'instant' | 'recurring';
  recurrence?: string | null;
  recurrence_timezone?: string;
  max_participants: number;
  meeting_password?: string | null;
  waiting_room_enabled: boolean;
  require_host_approval: boolean;
  allow_guests: boolean;
  features: MeetingFeatures;
}

/** Answer of the lobby's question "may I come in?". */
export interface JoinAccess {
  meeting: { id: string; name: string; status: MeetingStatus; features: MeetingFeatures };
  canJoin: boolean;
  waitingRoomEnabled: boolean;
  requiresPassword: boolean;
  message: string;
}
