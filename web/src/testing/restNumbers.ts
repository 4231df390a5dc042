// Pretended numbers: a meeting of fifty minutes, and a moment of one that runs.
import type { Analytics, LiveStats } from '../signaling/numbers';

const MINUTES = 52;

/** People come in the first minutes, some leave early, all leave at the end. */
function inside(minute: number): number {
  if (minute < 6) return 2 + minute * 2;
  if (minute > 47) return Math.max(1, 13 - (minute - 47) * 3);
  return minute > 24 && minute < 31 ? 11 : 13;
}

const start = Date.now() - 50 * 3_600_000;

export const ANALYTICS: Analytics = {
  duration_minutes: MINUTES,
  peak_participants: 13,
  average_participants: 11.4,
  total_participants_joined: 14,
  total_chat_messages: 61,
  screen_share_duration: 23.5,
  recording_duration: 30,
  participant_engagement: { high_engagement: 6, medium_engagement: 6, low_engagement: 2 },
  connection_quality_avg: 86.4,
  bandwidth_usage: 2_840_000_000,
  started_at: new Date(start).toISOString(),
  ended_at: new Date(start + MINUTES * 60_000).toISOString(),
  timeline_step_minutes: 1,
  timeline: Array.from({ length: MINUTES }, (_, minute) => ({
    minute,
    participants: inside(minute),
    messages: (minute * 7) % 5 === 0 ? 1 + ((minute * 13) % 4) : minute % 9 === 0 ? 1 : 0,
    reactions: minute % 11 === 3 ? 4 : minute % 6 === 0 ? 1 : 0,
  })),
  screen_shares: [
    { start_minute: 8, end_minute: 21 },
    { start_minute: 33, end_minute: 43.5 },
  ],
  recordings: [{ start_minute: 5, end_minute: 35 }],
  interactions: { messages: 61, reactions: 33, hands: 9, unmutes: 48, shares: 2 },
  reactions: [
    { reaction: '👍', count: 17 },
    { reaction: '🎉', count: 9 },
    { reaction: '👏', count: 7 },
  ],
  connection_quality: { excellent_minutes: 402, good_minutes: 151, fair_minutes: 32, poor_minutes: 8 },
  people: [
    ['Ada Lindqvist', 'host', 52, 14, 'high', 97],
    ['Bruno Costa', 'co_host', 51, 11, 'high', 92],
    ['Chiara Rossi', 'presenter', 47, 9, 'high', 88],
    ['Dmitri Volkov', 'attendee', 40, 2, 'medium', 71],
    ['Esther Okafor', 'attendee', 11, 0, 'low', 54],
  ].map(([name, role, minutes, messages, engagement, quality]) => ({
    user_id: String(name),
    name: String(name),
    role: String(role),
    present_minutes: Number(minutes),
    present_percent: (Number(minutes) / MINUTES) * 100,
    messages: Number(messages),
    reactions: Math.round(Number(messages) / 2),
    hands: Number(messages) > 8 ? 2 : 0,
    shares: 0,
    engagement: engagement as 'high' | 'medium' | 'low',
    connection_quality_avg: Number(quality),
  })),
};

/** A moment of a running meeting; the traffic moves. */
export function liveStats(): LiveStats {
  const total = 14 + Math.sin(Date.now() / 9_000) * 3;
  return {
    current_participants: 9,
    participants_peak: 11,
    raised_hands: 1,
    duration_minutes: 23.4,
    chat_messages: 4,
    active_speakers: ['bot-0'],
    screen_sharing: false,
    recording_active: false,
    bandwidth_usage: { total_mbps: total, per_participant_avg: total / 9 },
    quality_metrics: {
      average_video_quality: '720p',
      connection_quality: 'good',
      latency_ms: 41,
      packet_loss_percent: 0.3,
    },
    sampled_at: new Date().toISOString(),
  };
}
