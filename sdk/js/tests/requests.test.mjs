// What happens when the answer is not the wished one: budgets, servers that are away, tokens that are over.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { MeetingClient, MeetingError } from '../dist/esm/index.js';
import { clientOf, createMeeting, login, Plenum } from './people.mjs';

/** A server that gives these answers one after the other, and keeps what it was asked. */
async function answering(answers, work) {
  const asked = [];
  const server = createServer((request, answer) => {
    const next = answers[Math.min(asked.length, answers.length - 1)];
    asked.push({ method: request.method, url: request.url, token: request.headers.authorization });
    if (next === 'silence') return;
    answer.writeHead(next.status, next.headers ?? {}).end(next.text ?? JSON.stringify(next.body));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`http://127.0.0.1:${server.address().port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const done = {
  status: 200,
  body: { status: 'success', message: 'm', data: { is_active: true }, timestamp: 't' },
};
const refused = (status, code, headers = {}) => ({
  status,
  headers,
  body: { status: 'error', message: `said ${code}`, code, details: { a_field: 1 }, timestamp: 't' },
});
const away = refused(503, 'SERVICE_UNAVAILABLE', { 'retry-after': '0' });
const client = (apiUrl, options = {}) => new MeetingClient({ apiUrl, token: 'one', ...options });

let plenum;
before(async () => {
  plenum = await Plenum.start({ env: { RATE_LIMITS: 'on' } });
});
after(() => plenum?.stop());

test('cli_09 a read is asked again while the server is away, and no more often than was allowed', async () => {
  await answering([away, away, done], async (url, asked) => {
    assert.deepEqual(await client(url).getStatus('m'), { isActive: true });
    assert.equal(asked.length, 3);
  });
  await answering([away], async (url, asked) => {
    await assert.rejects(client(url, { retries: 2 }).getStatus('m'), { status: 503 });
    assert.equal(asked.length, 3);
  });
});

test('cli_09 what changes a meeting is never sent twice', async () => {
  await answering([away], async (url, asked) => {
    await assert.rejects(client(url).startMeeting('m'), { status: 503, retryAfter: 0 });
    await assert.rejects(client(url).updateStatus('m', { isMuted: true }), { status: 503 });
    assert.deepEqual(
      asked.map((one) => one.method),
      ['POST', 'PUT'],
    );
  });
});

test('cli_09 a wait that is too long is left to the caller, with its length', async () => {
  await answering([refused(429, 'RATE_LIMIT_EXCEEDED', { 'retry-after': '3600' })], async (url, asked) => {
    await assert.rejects(client(url).getStatus('m'), (error) => {
      assert.ok(error instanceof MeetingError);
      assert.deepEqual(
        [error.code, error.status, error.message, error.retryAfter, error.details],
        ['RATE_LIMIT_EXCEEDED', 429, 'said RATE_LIMIT_EXCEEDED', 3600, { a_field: 1 }],
      );
      return true;
    });
    assert.equal(asked.length, 1);
  });
});

test('cli_09 no answer in time, no server and answers of others are errors with codes of their own', async () => {
  await answering(['silence'], async (url) => {
    const hasty = client(url, { timeoutMs: 30, retries: 1 });
    await assert.rejects(hasty.getStatus('m'), { code: 'TIMEOUT', status: 0 });
  });
  await answering([{ status: 200, text: '<html>' }], async (url) => {
    await assert.rejects(client(url).getStatus('m'), { code: 'INVALID_RESPONSE', status: 200 });
  });
  await answering([{ status: 502, text: 'bad gateway' }], async (url) => {
    await assert.rejects(client(url).getStatus('m'), { code: 'HTTP_502', status: 502 });
  });
  let gone;
  await answering([done], async (url) => {
    gone = url;
  });
  await assert.rejects(client(gone, { retries: 0 }).getStatus('m'), { code: 'NETWORK_ERROR', status: 0 });
});

test('cli_09 a refused token is renewed once for all requests that met it', async () => {
  const over = refused(401, 'UNAUTHORIZED');
  await answering([over, over, done, done], async (url, asked) => {
    let calls = 0;
    const one = client(url, {
      refreshToken: async (error) => {
        calls += 1;
        assert.equal(error.code, 'UNAUTHORIZED');
        return 'two';
      },
    });
    await Promise.all([one.startMeeting('m'), one.getStatus('m')]);
    assert.equal(calls, 1);
    assert.deepEqual(asked.map((each) => each.token).sort(), [
      'Bearer one',
      'Bearer one',
      'Bearer two',
      'Bearer two',
    ]);
  });
  await answering([over], async (url, asked) => {
    const one = client(url, { refreshToken: () => Promise.reject(new Error('no login')) });
    await assert.rejects(one.startMeeting('m'), { status: 401, code: 'UNAUTHORIZED' });
    assert.equal(asked.length, 1);
  });
});

test('cli_09 ids stand in the path as they are, and none is no id', async () => {
  await answering([done], async (url, asked) => {
    await client(`${url}/`).getStatus('a/b c');
    assert.equal(asked[0].url, '/api/v1/meetings/a%2Fb%20c/status');
    await assert.rejects(client(url).getStatus(''), TypeError);
  });
  assert.throws(() => client('api.example.com'), TypeError);
});

test('cli_09 rate_15 the budget of the real server is told with the seconds to wait', async () => {
  const host = await login(plenum, 'host@demo.test');
  const meeting = await createMeeting(plenum, host, ['member@demo.test']);
  const eager = clientOf(plenum.url, host, { retries: 0 });
  let refusal;
  for (let asked = 0; refusal === undefined && asked < 200; asked += 1) {
    refusal = await eager.getChatHistory(meeting.id).then(
      () => undefined,
      (error) => error,
    );
  }
  assert.ok(refusal instanceof MeetingError, 'the budget never ended');
  assert.deepEqual([refusal.status, refusal.code], [429, 'RATE_LIMIT_EXCEEDED']);
  assert.equal(refusal.details.limit, 60);
  assert.ok(refusal.retryAfter >= 1 && refusal.retryAfter <= 60, String(refusal.retryAfter));
});

test('cli_09 an old token is refused by the real server, and a refreshed one is taken', async () => {
  const host = await login(plenum, 'host@demo.test');
  const meeting = await createMeeting(plenum, host, ['member@demo.test']);
  await assert.rejects(clientOf(plenum.url, { token: 'nonsense' }).getStatus(meeting.id), {
    status: 401,
    code: 'UNAUTHORIZED',
  });
  const renewing = clientOf(plenum.url, { token: 'nonsense' }, { refreshToken: () => host.token });
  assert.equal((await renewing.getStatus(meeting.id)).status, 'scheduled');
});
