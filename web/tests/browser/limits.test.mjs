// How much of everything anybody may do in a minute, seen from outside: refused in words, and nothing breaks.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Plenum } from './harness/plenum.mjs';
import { createMeeting, login, request, startMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

describe('rate limits', () => {
  let plenum;
  let host;

  before(async () => {
    plenum = await Plenum.start({ env: { RATE_LIMITS: 'on' } });
    host = await login(plenum, 'host@demo.test');
  });
  after(() => plenum.stop());

  /** Asks until refused; answers how many passed and the refusal. */
  const exhaust = async (most, once) => {
    for (let passed = 0; passed <= most; passed++) {
      const answer = await once();
      if (answer.status === 429) return { passed, answer };
    }
    throw new Error(`never refused in ${most + 1} requests`);
  };

  test('rate_01_rate_08 the eleventh meeting within a minute is one too many', async () => {
    const begin = Date.now();
    const body = {
      meeting_name: 'Many',
      meeting_description: '',
      meeting_start_time: new Date(begin).toISOString(),
      meeting_end_time: new Date(begin + 60_000).toISOString(),
      meeting_location: 'online',
      participants: ['member@demo.test'],
    };
    const { passed, answer } = await exhaust(20, () =>
      request(plenum, 'POST', '/api/meeting', { token: host.token, body }),
    );
    // A window may end between two requests; then the count starts again, and twenty are never reached.
    assert.ok(passed >= 10 && passed < 20, `${passed} passed`);
    assert.deepEqual([answer.body.message, answer.body.code], ['Rate limit exceeded', 'RATE_LIMIT_EXCEEDED']);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  });

  test('rate_03_rate_08 more than a hundred reads a minute are too many', async () => {
    const { passed, answer } = await exhaust(200, () =>
      request(plenum, 'GET', '/api/meeting', { token: host.token }),
    );
    assert.ok(passed >= 90, `${passed} passed`);
    assert.ok(Number(answer.headers.get('retry-after')) >= 1);
  });

  test('rate_05_rate_07 chat and media updates have budgets; the socket stays', async () => {
    const member = await login(plenum, 'member@demo.test');
    const second = await login(plenum, 'second@demo.test');
    const meeting = await createMeeting(plenum, member, ['second@demo.test']);
    await startMeeting(plenum, member, meeting.id);
    const socket = await Socket.connect(plenum, second.token);
    await socket.join(meeting.id);
    for (const [event, most, payload] of [
      ['send-message', 30, { message: 'again' }],
      ['media-status-update', 120, { audio: true }],
    ]) {
      let refused;
      let passed = 0;
      while (!refused && passed < 2 * most + 1) {
        const answer = await socket.ask(event, { meetingId: meeting.id, ...payload });
        if (answer.success) passed++;
        else refused = answer;
      }
      assert.equal(refused?.error, 'Rate limit exceeded', event);
      assert.ok(passed >= most, `${passed} of ${event} passed`);
    }
    assert.ok(socket.io.connected);
    socket.close();
  });
});
