// Pretended REST answers for the demo page: enough for every page that is not a meeting itself.

import type { Fetch, Upload } from '../signaling/http';
import type { Meeting, MeetingDraft, User } from '../signaling/meeting';
import type { PolicySettings } from '../signaling/security';
import { adminAnswer } from './restAdmin';
import { chatAnswer, FakeFiles } from './restChat';
import { ANALYTICS, liveStats } from './restNumbers';

export const USERS: User[] = [
  ['u1', 'Ada Lindqvist'],
  ['u2', 'Bruno Costa'],
  ['u3', 'Chiara Rossi'],
  ['u4', 'Dmitri Volkov'],
  ['u5', 'Esther Okafor'],
].map(([id = '', name = '']) => ({
  id,
  name,
  email: `${name.split(' ')[0]?.toLowerCase()}@example.org`,
  role: 'host',
  user_type: id === 'u1' ? 'admin' : 'teacher',
  campus_id: 'default',
}));

/** People of the directory who are in none of the meetings. */
const DIRECTORY = ['Hanna Sato', 'Henrik Lund', 'Helena Marques', 'Igor Petrov', 'Ines Duarte'];

const HOUR_MS = 3_600_000;

export function meeting(id: string, name: string, more: Partial<Meeting> = {}, startsInHours = 0): Meeting {
  const start = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + startsInHours * HOUR_MS;
  const people = USERS.slice(0, 2 + (name.length % 4));
  return {
    id,
    meeting_name: name,
    meeting_description: '',
    meeting_start_time: new Date(start).toISOString(),
    meeting_end_time: new Date(start + HOUR_MS).toISOString(),
    meeting_status: 'scheduled',
    meeting_type: 'scheduled',
    creator_id: 'u1',
    participants: people.map((user) => ({
      id: user.id,
      user_id: user.id,
      email: user.email,
      name: user.name,
      role: user.id === 'u1' ? 'host' : 'attendee',
    })),
    max_participants: 100,
    waiting_room_enabled: false,
    allow_guests: true,
    requires_password: false,
    features: {
      video_enabled: true,
      audio_enabled: true,
      screen_sharing_enabled: true,
      chat_enabled: true,
      hand_raise_enabled: true,
      recording_enabled: true,
    },
    security_policy: POLICY,
    ...more,
  };
}

const POLICY: PolicySettings = {
  require_waiting_room: false,
  require_password: false,
  allow_anonymous_join: true,
  max_participants: 100,
  allowed_domains: [],
  blocked_users: [],
  recording_permissions: null,
  screen_share_permissions: 'all',
  chat_permissions: 'all',
  mute_on_entry: false,
  disable_camera: false,
  lock_meeting: false,
};

export type Answer = [status: number, data: unknown, message: string, beside?: object];

const files = new FakeFiles();

/** Takes every file, in ten steps that can be seen. */
export const fakeUpload: Upload = async (_url, { body, onProgress, signal }) => {
  for (let step = 1; step <= 10; step++) {
    await new Promise((done) => setTimeout(done, 60));
    if (signal?.aborted) throw new Error('stopped');
    onProgress(step / 10);
  }
  return new Response(JSON.stringify({ success: true, data: files.take(body.get('file') as File) }));
};

/** What the demo keeps of uploads, for the server that hands lines on. */
export function uploaded() {
  return files.known;
}

export function fakeFetch(meetings: Meeting[]): Fetch {
  return async (url, init) => {
    const body = init.body ? (JSON.parse(String(init.body)) as Record<string, unknown>) : {};
    const path = url.split('?')[0] ?? '';
    const file = files.bytes(path);
    if (file) return new Response(file);
    const [status, data, message, beside] = answer(meetings, `${init.method} ${path}`, body);
    const envelope = { success: status < 400, data, message, ...beside };
    return new Response(JSON.stringify(envelope), { status });
  };
}

function answer(meetings: Meeting[], request: string, body: Record<string, unknown>): Answer {
  if (request === 'POST /api/auth/login') {
    const known = body.password === 'demo-password';
    return known ? [200, { token: 'demo', user: USERS[0] }, ''] : [401, null, 'Invalid credentials'];
  }
  const elsewhere = adminAnswer(request) ?? chatAnswer(request, body);
  if (elsewhere) return elsewhere;
  if (request === 'GET /api/meeting') return [200, meetings, ''];
  if (request === 'POST /api/meeting') {
    const draft = body as unknown as MeetingDraft;
    const made = meeting(`made${meetings.length}`, draft.meeting_name, {
      meeting_type: draft.meeting_type,
      meeting_start_time: draft.meeting_start_time,
      meeting_end_time: draft.meeting_end_time,
      recurrence: draft.recurrence ?? null,
      series_id: draft.recurrence ? 'series' : null,
    });
    meetings.push(made);
    return [201, made, ''];
  }
  const found = meetings.find(({ id }) => request.includes(`/${id}`));
  return found ? ofMeeting(found, request, body) : [404, null, 'Meeting not found'];
}

function ofMeeting(found: Meeting, request: string, body: Record<string, unknown>): Answer {
  if (request.endsWith('/analytics')) return [200, ANALYTICS, ''];
  if (request.endsWith('/live-stats')) return [200, liveStats(), ''];
  if (request.endsWith('/recordings')) return [200, [], ''];
  if (request.endsWith('/search-users')) return [200, { users: searched(String(body.query ?? '')) }, ''];
  if (request.startsWith('POST') && request.endsWith('/participants')) {
    return [201, { participants_added: body.participants }, ''];
  }
  if (request.endsWith('/participants')) return [200, roster(found), ''];
  if (request.endsWith('/role')) return [200, {}, ''];
  if (request.endsWith('/security/policy')) {
    found.security_policy = { ...(found.security_policy ?? POLICY), ...body };
    return [200, null, ''];
  }
  if (!request.endsWith('/join')) return [200, found, ''];
  const { id, meeting_name: name, meeting_status: status, features, waiting_room_enabled: waiting } = found;
  const may = found.creator_id === 'u1' || status === 'live';
  const access = { meeting: { id, name, status, features }, canJoin: may, waitingRoomEnabled: waiting };
  return [200, { ...access, requiresPassword: found.requires_password }, ''];
}

function searched(query: string) {
  const wanted = query.toLowerCase();
  const rest = { user_type: 'teacher', profile_picture: null, department: 'Design' };
  return DIRECTORY.filter((name) => name.toLowerCase().includes(wanted)).map((name) => {
    const email = `${name.split(' ')[0]?.toLowerCase()}@example.org`;
    return { user_id: email, name, email, ...rest };
  });
}

function roster(found: Meeting) {
  const ended = found.meeting_status === 'ended';
  return found.participants.map((person, index) => ({
    id: person.id,
    participant_id: null,
    user_id: person.user_id,
    participant_name: person.name,
    participant_email: person.email,
    role: index === 1 ? 'co_host' : person.role,
    connection_status: found.meeting_status === 'live' && index < 2 ? 'connected' : 'disconnected',
    connection_quality: 'good',
    joined_at: ended ? found.meeting_start_time : null,
    left_at: ended ? found.meeting_end_time : null,
    permissions: {},
  }));
}
