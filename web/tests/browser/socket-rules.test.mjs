// Who may open a Socket.IO connection, over every transport the documents name, and with which words one is refused.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Plenum } from './harness/plenum.mjs';
import { liveMeeting, login } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

const ways = {
  websocket: { transports: ['websocket'] },
  polling: { transports: ['polling'] },
  'polling, then upgraded': { transports: ['polling', 'websocket'] },
};

const part = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token signed with the server's own secret, with claims and algorithm of our choice. */
function sign(secret, claims, { alg = 'HS512', hash = 'sha512' } = {}) {
  const body = `${part({ alg, typ: 'JWT' })}.${part(claims)}`;
  return `${body}.${createHmac(hash, secret).update(body).digest('base64url')}`;
}

const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

describe('connecting a socket', () => {
  const secret = 'a secret of this test alone, long enough for HS512 to be worth its name: 0123456789abcdef';
  let plenum;
  let host;

  before(async () => {
    plenum = await Plenum.start({ env: { JWT_SECRET: secret } });
    host = await login(plenum, 'host@demo.test');
  });
  after(() => plenum.stop());

  for (const [way, options] of Object.entries(ways)) {
    test(`kcs_ws_01_kcs_ws_02_rt_14_auth_02_sys_08 a good token connects over ${way} on the default path and can work`, async () => {
      const { meeting } = await liveMeeting(plenum);
      const socket = await Socket.connect(plenum, host.token, options);
      assert.equal((await socket.ask('join-meeting', { meetingId: meeting.id })).success, true);
      const gone = new Promise((resolve) => socket.io.once('disconnect', resolve));
      socket.close();
      assert.equal(await gone, 'io client disconnect');
    });

    test(`kcs_ws_03_auth_03_auth_05_auth_10 bad tokens are refused over ${way} with the documents' words`, async () => {
      const claims = claimsOf(host.token);
      const now = Math.floor(Date.now() / 1000);
      const cases = [
        [undefined, 'Authentication token missing'],
        ['', 'Authentication token missing'],
        ['not a token', 'Invalid token'],
        [`${host.token}x`, 'Invalid token'],
        [sign('another secret', claims), 'Invalid token'],
        [sign(secret, claims, { alg: 'HS256', hash: 'sha256' }), 'Invalid token'],
        [`${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`, 'Invalid token'],
        [sign(secret, { ...claims, iat: now - 7200, exp: now - 3600 }), 'Token expired'],
        [
          sign(secret, {
            ...claims,
            user_id: '01HXYZ123456789ABCDEFGHJKM',
            sub: '01HXYZ123456789ABCDEFGHJKM',
          }),
          'User not found',
        ],
      ];
      for (const [token, words] of cases) {
        await assert.rejects(
          Socket.connect(plenum, token, options),
          { message: words },
          `${token} over ${way}`,
        );
      }
    });
  }

  test('auth_01_sys_09 the token is HS512 and says user, type, campus and its end', () => {
    const [header] = host.token.split('.');
    assert.equal(JSON.parse(Buffer.from(header, 'base64url')).alg, 'HS512');
    const claims = claimsOf(host.token);
    assert.deepEqual(
      [claims.user_id, claims.user_type, claims.campus_id],
      [host.user.id, host.user.user_type, host.user.campus_id],
    );
    assert.equal(claims.exp - claims.iat, 24 * 3600);
  });

  test('env_04 a secret that is not given is made once, kept private, and survives a restart', async () => {
    const own = await Plenum.start();
    try {
      const { token } = await login(own, 'host@demo.test');
      const path = join(own.dataDir, 'jwt_secret');
      const { statSync } = await import('node:fs');
      assert.equal(statSync(path).mode & 0o777, 0o600);
      const before = readFileSync(path, 'utf8');
      await own.kill('SIGTERM');
      await own.launch();
      assert.equal(readFileSync(path, 'utf8'), before);
      const socket = await Socket.connect(own, token);
      socket.close();
    } finally {
      await own.stop();
    }
  });

  test('kcs_ws_01 a good token in the query or the header connects as well', async () => {
    for (const options of [
      { query: { token: host.token } },
      { extraHeaders: { authorization: `Bearer ${host.token}` } },
    ]) {
      const socket = await Socket.connect(plenum, undefined, options);
      assert.ok(socket.io.connected);
      socket.close();
    }
  });
});
