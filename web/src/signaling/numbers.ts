// What the server counts: live statistics, analytics, recordings, the system.
import type { Quality } from './events';

/** KCS-18: sampled every five seconds while a meeting is live. */
export interface LiveStats {
  current_participants: number;
  duration_minutes: number;
  chat_messages: number;
  /** Participant ids, the loudest first. */
  active_speakers: string[];
  participants_peak?: number;
  raised_hands?: number;
  /** When the media plane was last asked; null without media. */
  sampled_at?: string | null;
  screen_sharing: boolean;
  recording_active: boolean;
  bandwidth_usage: { total_mbps: number; per_participant_avg: number };
  quality_metrics: {
    average_video_quality?: string | null;
    connection_quality?: Quality | null;
    latency_ms: number | null;
    packet_loss_percent: number | null;
  };
}

export interface TimelineStep {
  /** Where the step begins, in minutes since the start. */
  minute: number;
  participants: number;
  messages: number;
  reactions: number;
}

export interface Interval {
  start_minute: number;
  end_minute: number;
}

export type Engagement = 'high' | 'medium' | 'low';

export interface PersonNumbers {
  user_id: string | null;
  name: string;
  role: string;
  present_minutes: number;
  present_percent: number;
  messages: number;
  reactions: number;
  hands: number;
  shares: number;
  engagement: Engagement;
  connection_quality_avg: number | null;
}

/** KCS-17: what a meeting was, after it ended. Durations in minutes, traffic in bytes. */
export interface Analytics {
  duration_minutes: number;
  peak_participants: number;
  average_participants: number;
  total_participants_joined: number;
  total_chat_messages: number;
  screen_share_duration: number;
  recording_duration: number;
  participant_engagement: { high_engagement: number; medium_engagement: number; low_engagement: number };
  connection_quality_avg: number | null;
  bandwidth_usage: number;
  started_at: string;
  ended_at: string;
  timeline_step_minutes: number;
  timeline: TimelineStep[];
  screen_shares: Interval[];
  recordings: Interval[];
  interactions: { messages: number; reactions: number; hands: number; unmutes: number; shares: number };
  reactions: { reaction: string; count: number }[];
  connection_quality: {
    excellent_minutes: number;
    good_minutes: number;
    fair_minutes: number;
    poor_minutes: number;
  };
  /** For those who ran the meeting; null for everybody else. */
  people: PersonNumbers[] | null;
}

/** KCS-16. */
export interface Recording {
  id: string;
  recording_type: 'video' | 'audio' | 'screen' | 'chat';
  file_size_bytes: number;
  duration_seconds: number;
  format: string;
  started_at: string;
  ended_at: string | null;
  is_available: boolean;
  download_count: number;
}

export interface SystemHealth {
  status: 'ok' | 'degraded' | 'down';
  database: 'ok' | 'down';
  media_nodes: number;
  rooms: number;
  transports: number;
  bandwidth_mbps: number;
}

/** KCS-20; a campus administrator sees only the counts. */
export interface SystemStats {
  total_meetings: number;
  active_meetings: number;
  scheduled_meetings: number;
  total_participants: number;
  active_participants: number;
  mediasoup_workers?: { total: number; active: number };
  system_health?: SystemHealth;
  uptime_hours?: number;
}
