// Pretended administrators' pages.
import type { Answer } from './rest';

const at = (minutesAgo: number) => new Date(Date.now() - minutesAgo * 60_000).toISOString();

const STATS = {
  total_meetings: 1284,
  active_meetings: 17,
  scheduled_meetings: 62,
  total_participants: 9731,
  active_participants: 143,
  mediasoup_workers: { total: 4, active: 3 },
  system_health: {
    status: 'ok',
    database: 'ok',
    media_nodes: 2,
    rooms: 17,
    transports: 281,
    bandwidth_mbps: 312.4,
  },
  uptime_hours: 231.5,
};

const MAILS = [
  ['Invitation: Weekly planning', 'bruno@example.org', 'invitation', 'sent'],
  ['Changed: Design review', 'chiara@example.org', 'update', 'queued'],
  ['Invitation: Board meeting', 'nobody@example.invalid', 'invitation', 'failed'],
].map(([subject, email, kind, status], index) => ({
  id: `mail${index}`,
  kind,
  status,
  to: { name: null, email },
  subject,
  meeting_id: 'weekly',
  attempts: 1,
  last_error: status === 'failed' ? '550 5.1.1 mailbox unknown' : null,
  created_at: at(index * 17 + 3),
  next_attempt_at: null,
  sent_at: null,
}));

const AUDIT = [
  ['meeting.join', 'granted', 'Bruno Costa'],
  ['meeting.join', 'not invited', 'Igor Petrov'],
  ['participant.role', 'granted', 'Ada Lindqvist'],
  ['meeting.create', 'granted', 'Ada Lindqvist'],
].map(([action, outcome, name], index) => ({
  id: `entry${index}`,
  timestamp: at(index * 9 + 1),
  action,
  outcome,
  actor_id: name,
  campus_id: 'default',
  meeting_id: 'weekly',
  target_id: null,
  detail: null,
}));

const WEBHOOKS = [
  ['https://timetable.example.org/hooks/plenum', 'The timetable', true, null, false],
  ['https://hooks.example.com/services/T024BE7LH/attendance', 'Attendance', false, 'gone', false],
  ['https://billing.example.org/meetings', '', true, null, true],
].map(([url, description, enabled, disabled_reason, configured], index) => ({
  id: `hook${index}`,
  campus_id: index === 1 ? 'default' : null,
  url,
  description,
  events: ['meeting.started', 'participant.joined', 'meeting.ended'],
  enabled,
  disabled_reason,
  configured,
  created_at: at(index * 3000 + 900),
}));

const DELIVERIES = [
  ['meeting.ended', 'pending', 0, null],
  ['participant.joined', 'dead', 5, 'the answer was 500'],
  ['participant.joined', 'delivered', 2, null],
  ['meeting.started', 'delivered', 1, null],
].map(([event, status, attempts, last_error], index) => ({
  id: `delivery${index}`,
  event,
  status,
  meeting_id: '01JDAVNTZ6MG8F0Q5W0R7YH3KC',
  attempts,
  last_status: status === 'delivered' ? 204 : null,
  last_error,
  happened_at: at(index * 11 + 2),
  next_attempt_at: null,
  delivered_at: null,
}));

function webhookAnswer(request: string): Answer | null {
  if (request === 'GET /api/admin/webhooks') return [200, WEBHOOKS, ''];
  if (!request.includes('/api/admin/webhooks')) return null;
  if (request.endsWith('/deliveries')) return [200, DELIVERIES, '', { total: DELIVERIES.length }];
  if (request.endsWith('/replay')) return [200, { replayed: 1 }, ''];
  const hook = WEBHOOKS.find(({ id }) => request.includes(`/${id}`)) ?? WEBHOOKS[0];
  return [200, { ...hook, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }, ''];
}

export function adminAnswer(request: string): Answer | null {
  const webhooks = webhookAnswer(request);
  if (webhooks) return webhooks;
  if (request === 'GET /api/meeting/system/stats') return [200, STATS, ''];
  if (request === 'GET /api/admin/audit') return [200, AUDIT, '', { next_cursor: null }];
  if (request === 'GET /api/admin/outbox') return [200, MAILS, '', { total: MAILS.length, delivery: true }];
  if (!request.includes('/api/admin/outbox/')) return null;
  const mail = MAILS.find(({ id }) => request.includes(`/${id}`));
  const text = 'Ada Lindqvist invites you to “Weekly planning”.\n\nhttps://meet.example.org/m/weekly';
  return [200, { ...mail, text, calendar: 'BEGIN:VCALENDAR' }, ''];
}
