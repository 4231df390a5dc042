import { describe, expect, it } from 'vitest';
import { isLostLogin, readable } from './errors';
import { type Fetch, Rest } from './rest';

/** Answers every call with one response and remembers what was asked. */
function server(status: number, body: string, headers: Record<string, string> = {}) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push({ url, init });
    return new Response(body, { status, headers });
  };
  return { rest: new Rest(() => 'the-token', fetch), asked };
}

const json = (value: object) => JSON.stringify(value);

describe('REST calls', () => {
  it('cls_01 log in with e-mail and password and take token and user from data', async () => {
    const user = { id: 'u1', name: 'Ada' };
    const { rest, asked } = server(200, json({ success: true, data: { token: 't', user } }));
    await expect(rest.login('ada@x.org', 'secret')).resolves.toEqual({ token: 't', user });
    expect(asked[0]).toMatchObject({ url: '/api/auth/login', init: { method: 'POST' } });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ email: 'ada@x.org', password: 'secret' });
  });

  it('carry the token', async () => {
    const { rest, asked } = server(200, json({ success: true, data: [], count: 0 }));
    await rest.meetings();
    expect(asked[0]?.init.headers).toMatchObject({ Authorization: 'Bearer the-token' });
  });

  it('kcs_09 tell a wrong meeting password from a lost login, though both are 401', async () => {
    const wrong = server(
      401,
      json({ success: false, message: 'Invalid meeting password', code: 'INVALID_MEETING_PASSWORD' }),
    );
    const error = await wrong.rest.access('m1', 'nope').catch((failure: unknown) => failure);
    expect(error).toMatchObject({ status: 401, code: 'INVALID_MEETING_PASSWORD' });
    expect(isLostLogin(error)).toBe(false);
    const expired = server(401, json({ success: false, message: 'Token expired' }));
    expect(isLostLogin(await expired.rest.profile().catch((failure: unknown) => failure))).toBe(true);
  });

  it('kcs_09 send the password only when there is one', async () => {
    const { rest, asked } = server(200, json({ success: true, data: {}, message: 'ok' }));
    await rest.access('m1');
    await rest.access('m1', 'open sesame');
    expect(asked.map(({ init }) => JSON.parse(String(init.body)))).toEqual([
      {},
      { meeting_password: 'open sesame' },
    ]);
  });

  it('hand on how long a rate limit lasts', async () => {
    const { rest } = server(429, json({ success: false, message: 'Rate limit exceeded' }), {
      'Retry-After': '12',
    });
    await expect(rest.meetings()).rejects.toMatchObject({ status: 429, retryAfterSeconds: 12 });
  });

  it('survive an answer that is not JSON', async () => {
    const { rest } = server(502, '<html>Bad gateway</html>');
    await expect(rest.meetings()).rejects.toMatchObject({ status: 502, message: 'Service unavailable' });
  });

  it('say when nothing answers at all', async () => {
    const rest = new Rest(
      () => null,
      () => Promise.reject(new TypeError('Failed to fetch')),
    );
    await expect(rest.meetings()).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('escape ids in paths', async () => {
    const { rest, asked } = server(404, json({ success: false, message: 'Meeting not found' }));
    await expect(rest.meeting('../admin')).rejects.toMatchObject({ status: 404 });
    expect(asked[0]?.url).toBe('/api/meeting/..%2Fadmin');
  });

  it('kcs_15 turn what rooms say into lines as the meeting has them', async () => {
    const message = {
      messageId: '1',
      roomId: 'm1',
      userId: 'u',
      userName: 'U',
      content: 'hi',
      timestamp: 't',
      recipientType: 'private',
      recipientId: 'v',
      editedAt: 't2',
      reactions: [{ emoji: '👍', count: 1, users: ['v'] }],
    };
    const { rest, asked } = server(200, json({ success: true, data: [message], count: 1 }));
    const [first] = await rest.chat.lines('m1', 100, 'm9');
    expect(asked[0]?.url).toBe('/api/chat/rooms/m1/messages?limit=100&before=m9');
    expect(first).toMatchObject({
      id: '1',
      message: 'hi',
      recipientType: 'private',
      recipientId: 'v',
      edited: true,
    });
    expect(first?.reactions).toEqual([{ emoji: '👍', users: ['v'] }]);
  });

  it('names people to remove in the body of a DELETE', async () => {
    const { rest, asked } = server(200, json({ success: true, data: {} }));
    await rest.people.remove('m1', ['p1'], 'noise');
    expect(asked[0]).toMatchObject({ url: '/api/meeting/m1/participants', init: { method: 'DELETE' } });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ participant_ids: ['p1'], reason: 'noise' });
  });

  it('tell whether mail goes out at all', async () => {
    const { rest } = server(200, json({ success: true, data: [], count: 0, total: 7, delivery: true }));
    await expect(rest.admin.outbox({ limit: 50, offset: 0 })).resolves.toEqual({
      mails: [],
      total: 7,
      delivery: true,
    });
  });

  it('add_32 make a webhook and hand its secret on, which is shown once', async () => {
    const { rest, asked } = server(201, json({ success: true, data: { id: 'h1', secret: 'whsec_x' } }));
    const draft = { url: 'https://a.example.org/', description: '', events: ['meeting.ended' as const] };
    await expect(rest.admin.webhooks.add(draft)).resolves.toMatchObject({ secret: 'whsec_x' });
    expect(asked[0]).toMatchObject({ url: '/api/admin/webhooks', init: { method: 'POST' } });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual(draft);
  });

  it('add_34 to add_39 ask for one webhook and its deliveries by their ids', async () => {
    const { rest, asked } = server(200, json({ success: true, data: { replayed: 3 }, total: 9 }));
    const hooks = rest.admin.webhooks;
    await hooks.setEnabled('h/1', false);
    await hooks.rotateSecret('h1');
    await hooks.remove('h1');
    const page = await hooks.deliveries('h1', { status: 'dead', limit: 50, offset: 0 });
    await hooks.replay('h1', 'd/1');
    await expect(hooks.replayDead('h1')).resolves.toBe(3);
    await hooks.ping('h1');
    expect(page.total).toBe(9);
    expect(asked.map(({ url, init }) => `${init.method} ${url} ${init.body ?? ''}`.trim())).toEqual([
      'PATCH /api/admin/webhooks/h%2F1 {"enabled":false}',
      'PATCH /api/admin/webhooks/h1 {"rotate_secret":true}',
      'DELETE /api/admin/webhooks/h1',
      'GET /api/admin/webhooks/h1/deliveries?status=dead&limit=50&offset=0',
      'POST /api/admin/webhooks/h1/deliveries/d%2F1/replay',
      'POST /api/admin/webhooks/h1/replay',
      'POST /api/admin/webhooks/h1/ping',
    ]);
  });

  it('kcs_05 kcs_06 change and cancel one meeting, or the series it belongs to', async () => {
    const { rest, asked } = server(200, json({ success: true, data: {} }));
    await rest.update('m1', {});
    await rest.update('m1', {}, true);
    await rest.cancel('m1', true);
    expect(asked.map(({ url }) => url)).toEqual([
      '/api/meeting/m1',
      '/api/meeting/m1?series=true',
      '/api/meeting/m1?series=true',
    ]);
  });

  it('c_61 open breakout rooms, call everybody back, speak to all and close them', async () => {
    const { rest, asked } = server(200, json({ status: 'success', message: 'ok', data: [] }));
    const plan = {
      room_count: 2,
      auto_assign: true,
      allow_participants_to_choose: false,
      allow_participants_to_return: true,
    };
    await rest.breakouts.open('m1', plan);
    await rest.breakouts.callBack('m1');
    await rest.breakouts.broadcast('m1', 'Two minutes');
    await rest.breakouts.close('m1');
    const path = '/api/v1/meetings/m1/breakout-rooms';
    expect(asked.map(({ url, init }) => [init.method, url])).toEqual([
      ['POST', path],
      ['POST', `${path}/return`],
      ['POST', `${path}/broadcast`],
      ['DELETE', path],
    ]);
    expect(asked.slice(0, 3).map(({ init }) => JSON.parse(String(init.body)))).toEqual([
      plan,
      { everyone: true },
      { message: 'Two minutes' },
    ]);
  });
});

describe('the security policy', () => {
  const policy = { blocked_users: ['u-old'], lock_meeting: false };

  it('v1_13 is set field by field', async () => {
    const { rest, asked } = server(200, json({ status: 'success', message: 'applied', data: null }));
    await rest.security.apply('m1', { lock_meeting: true });
    expect(asked[0]).toMatchObject({ url: '/api/v1/meetings/m1/security/policy', init: { method: 'POST' } });
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ lock_meeting: true });
  });

  it('v1_13 keeps who was blocked before when somebody else is', async () => {
    const { rest, asked } = server(200, json({ success: true, data: { security_policy: policy } }));
    await rest.security.block('m1', 'u-new');
    expect(JSON.parse(String(asked[1]?.init.body))).toEqual({ blocked_users: ['u-old', 'u-new'] });
  });

  it('is not for those who are not told it', async () => {
    const { rest } = server(200, json({ success: true, data: {} }));
    await expect(rest.security.read('m1')).rejects.toMatchObject({ message: 'Access denied' });
  });

  it('says in plain words what the other dialect refuses', async () => {
    const refusal = {
      status: 'error',
      message: 'User lacks required permissions',
      code: 'INSUFFICIENT_PERMISSION',
    };
    const { rest } = server(403, json({ ...refusal, details: {} }));
    const error = await rest.security
      .apply('m1', { lock_meeting: true })
      .catch((failure: unknown) => failure);
    expect(error).toMatchObject({ status: 403, code: 'INSUFFICIENT_PERMISSION' });
    expect(readable(error)).toBe('You are not allowed to do that.');
  });
});
