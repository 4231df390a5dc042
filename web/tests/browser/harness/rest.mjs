// The REST side of the KCS dialect as a client of the documents uses it.

export const password = 'demo-password';

/** One request; answers `{status, headers, body}` whatever the status is. */
export async function request(plenum, method, path, { token, body } = {}) {
  const headers = {};
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const answer = await fetch(plenum.url + path, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  let parsed;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = text;
  }
  return { status: answer.status, headers: answer.headers, body: parsed };
}

async function data(plenum, method, path, options) {
  const { status, body } = await request(plenum, method, path, options);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
  return body.data;
}

/** Logs in; answers `{token, user}`. */
export function login(plenum, email) {
  return data(plenum, 'POST', '/api/auth/login', { body: { email, password } });
}

/** A meeting of `host` for `guests` (e-mail addresses); `extra` overrides fields. */
export async function createMeeting(plenum, host, guests, extra = {}) {
  const begin = Date.now();
  return data(plenum, 'POST', '/api/meeting', {
    token: host.token,
    body: {
      meeting_name: 'Harbour planning',
      meeting_description: 'from a test',
      meeting_start_time: new Date(begin).toISOString(),
      meeting_end_time: new Date(begin + 3_600_000).toISOString(),
      meeting_location: 'online',
      participants: guests,
      ...extra,
    },
  });
}

export function startMeeting(plenum, host, meetingId) {
  return data(plenum, 'POST', `/api/meeting/${meetingId}/start`, { token: host.token, body: {} });
}

export function endMeeting(plenum, host, meetingId) {
  return data(plenum, 'POST', `/api/meeting/${meetingId}/end`, { token: host.token, body: {} });
}

/** A live meeting of host@demo.test, and the logins of everybody asked for. */
export async function liveMeeting(plenum, names = ['host', 'member'], extra = {}) {
  const people = {};
  for (const name of new Set(['host', ...names])) people[name] = await login(plenum, `${name}@demo.test`);
  const guests = Object.keys(people).filter((name) => name !== 'host');
  const meeting = await createMeeting(
    plenum,
    people.host,
    guests.map((name) => `${name}@demo.test`),
    extra,
  );
  await startMeeting(plenum, people.host, meeting.id);
  return { meeting, people };
}
