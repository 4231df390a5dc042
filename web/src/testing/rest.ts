// Pretended REST answers for the demo page: enough for the lists, the form and the lobby.
import type { Meeting, MeetingDraft, User } from '../signaling/meeting';
import type { Fetch } from '../signaling/rest';

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
  user_type: 'teacher',
  campus_id: 'default',
}));

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
      role: 'attendee',
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
    },
    ...more,
  };
}

export function fakeFetch(meetings: Meeting[]): Fetch {
  return async (url, init) => {
    const body = init.body ? (JSON.parse(String(init.body)) as Partial<MeetingDraft>) : {};
    const [status, data, message] = answer(meetings, `${init.method} ${url.split('?')[0]}`, body);
    return new Response(JSON.stringify({ success: status < 400, data, message }), { status });
  };
}

function answer(
  meetings: Meeting[],
  request: string,
  body: Partial<MeetingDraft>,
): [number, unknown, string] {
  if (request === 'POST /api/auth/login') {
    const known = 'password' in body && body.password === 'demo-password';
    return known ? [200, { token: 'demo', user: USERS[0] }, ''] : [401, null, 'Invalid credentials'];
  }
  if (request === 'GET /api/meeting') return [200, meetings, ''];
  if (request === 'POST /api/meeting') {
    const made = meeting(`made${meetings.length}`, body.meeting_name ?? '', {
      meeting_type: body.meeting_type,
    });
    meetings.push(made);
    return [201, made, ''];
  }
  const found = meetings.find(({ id }) => request.includes(`/${id}`));
  if (!found) return [404, null, 'Meeting not found'];
  if (request.endsWith('/chat')) return [200, [], ''];
  if (!request.endsWith('/join')) return [200, found, ''];
  const { id, meeting_name: name, meeting_status: status, features } = found;
  const may = found.creator_id === 'u1' || status === 'live';
  const access = { meeting: { id, name, status, features }, canJoin: may, waitingRoomEnabled: false };
  return [200, { ...access, requiresPassword: found.requires_password }, ''];
}
