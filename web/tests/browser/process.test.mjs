// The processes as an operator meets them: start, refusal to start, first accounts, health, logs, and the two run apart.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { alive, freePort, Plenum, program } from './harness/plenum.mjs';
import { createMeeting, login, request, startMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';
import { until } from './harness/until.mjs';

/** Runs the program to its end with `input` on stdin; answers `{code, out}` with everything it printed. */
function run(args, env, input = '') {
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, HOST: '127.0.0.1', SFU_LISTEN: '127.0.0.1', ...env },
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
  child.stdin.on('error', () => {}); // it may have ended before it read
  child.stdin.end(input);
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, out })));
}

describe('starting and refusing to start', () => {
  let dir;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'plenum-process-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  test('a taken port is named in the error', async () => {
    const squatter = createServer();
    await new Promise((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address();
    const { code, out } = await run(['--demo'], { PORT: String(port), DATA_DIR: join(dir, 'taken') });
    squatter.close();
    assert.notEqual(code, 0);
    assert.match(out, new RegExp(`${port}`));
    assert.match(out, /in use|taken/i);
    assert.doesNotMatch(out, /panicked/);
  });

  test('a data directory that cannot be written is named in the error', async () => {
    const file = join(dir, 'a-file');
    writeFileSync(file, '');
    const { code, out } = await run(['--demo'], {
      PORT: String(await freePort()),
      DATA_DIR: join(file, 'data'),
    });
    assert.notEqual(code, 0);
    assert.ok(out.includes(file), out);
    assert.doesNotMatch(out, /panicked/);
  });

  test('the port is 4501 unless PORT says otherwise, and --version says what runs (sys_04, env_02)', async () => {
    const help = await run(['--help'], {});
    assert.equal(help.code, 0);
    assert.match(help.out, /PORT.*4501|4501.*PORT/s);
    const version = await run(['--version'], {});
    assert.match(version.out, /^plenum \d+\.\d+\.\d+/);
  });

  test('user add makes the first administrator of an installation (add_01)', async () => {
    const dataDir = join(dir, 'user-add');
    const args = [
      'user',
      'add',
      '--email',
      'ada@example.org',
      '--name',
      'Ada',
      '--type',
      'admin',
      '--campus',
      'default',
    ];
    const child = await run(args, { DATA_DIR: dataDir }, 'a long password\n');
    assert.equal(child.code, 0, child.out);
    assert.doesNotMatch(child.out, /a long password/);
    const plenum = new Plenum(await freePort(), { DATA_DIR: dataDir }, []);
    try {
      await plenum.launch();
      const answer = await request(plenum, 'POST', '/api/auth/login', {
        body: { email: 'ada@example.org', password: 'a long password' },
      });
      assert.deepEqual([answer.status, answer.body.data?.user.user_type], [200, 'admin']);
    } finally {
      await plenum.stop();
    }
  });

  test('MONGODB_URI is taken note of and not used (env_03)', async () => {
    const plenum = await Plenum.start({ env: { MONGODB_URI: 'mongodb://nobody:secret@db.example/plenum' } });
    const { code } = await plenum.stop();
    assert.equal(code, 0);
    assert.match(plenum.log, /MONGODB_URI/);
    assert.doesNotMatch(plenum.log, /secret/);
  });

  for (const [name, value] of [
    ['PORT', '99999'],
    ['JWT_EXPIRES_HOURS', 'soon'],
    ['ICE_SERVERS', '{not json'],
    ['EXTRA_PORTS', 'three'],
  ]) {
    test(`a bad ${name} is named in the error`, async () => {
      const { code, out } = await run(['--demo'], {
        PORT: String(await freePort()),
        DATA_DIR: join(dir, 'bad'),
        [name]: value,
      });
      assert.notEqual(code, 0);
      assert.ok(out.includes(name) || out.includes(name.toLowerCase().replaceAll('_', '-')), out);
      assert.doesNotMatch(out, /panicked/);
    });
  }
});

describe('health, metrics and first accounts', () => {
  test('the demo prints its accounts and every one can log in, a second start adds none (add_10, cls_01)', async () => {
    const plenum = await Plenum.start();
    try {
      const types = {
        admin: 'admin',
        host: 'teacher',
        member: 'teacher',
        second: 'staff',
        student: 'student',
        outsider: undefined,
      };
      for (const [name, type] of Object.entries(types)) {
        assert.ok(plenum.log.includes(`${name}@demo.test`), `${name} is printed`);
        const { user } = await login(plenum, `${name}@demo.test`);
        if (type) assert.deepEqual([user.user_type, user.campus_id], [type, 'default']);
        else assert.equal(user.campus_id, 'other');
      }
      assert.ok(
        plenum.log.includes(plenum.url) || plenum.log.includes(`localhost:${plenum.port}`),
        'the URL is printed',
      );
      for (const path of ['/healthz', '/readyz', '/health', '/ready', '/metrics']) {
        assert.equal((await fetch(plenum.url + path)).status, 200, path);
      }
      const { user } = await login(plenum, 'host@demo.test');
      assert.deepEqual(await plenum.kill('SIGTERM'), { code: 0, signal: null });
      await plenum.launch();
      assert.equal((await login(plenum, 'host@demo.test')).user.id, user.id);
    } finally {
      await plenum.stop();
    }
  });

  test('without --demo there are no accounts; the bootstrap variables make the first administrator (sec_06)', async () => {
    const env = {
      BOOTSTRAP_ADMIN_EMAIL: 'first@example.org',
      BOOTSTRAP_ADMIN_PASSWORD: 'a long first password',
    };
    const plenum = await Plenum.start({ args: [], env });
    try {
      for (const email of ['admin@demo.test', 'host@demo.test']) {
        const refused = await request(plenum, 'POST', '/api/auth/login', {
          body: { email, password: 'demo-password' },
        });
        assert.deepEqual([refused.status, refused.body.message], [401, 'Invalid credentials']);
      }
      const first = await request(plenum, 'POST', '/api/auth/login', {
        body: { email: env.BOOTSTRAP_ADMIN_EMAIL, password: env.BOOTSTRAP_ADMIN_PASSWORD },
      });
      assert.deepEqual([first.status, first.body.data.user.user_type], [200, 'admin']);
    } finally {
      await plenum.stop();
    }
  });

  test('not ready without a media node, ready once one run by hand has registered', async () => {
    const port = await freePort();
    const plenum = new Plenum(port, {}, ['--no-sfu']);
    let node;
    try {
      plenum.spawn();
      await until('control answers', 60_000, () =>
        fetch(`${plenum.url}/healthz`).then(
          (answer) => answer.status === 200,
          () => false,
        ),
      );
      assert.equal((await fetch(`${plenum.url}/readyz`)).status, 503);

      const certificates = join(plenum.dataDir, 'for-a-node');
      const made = await run(['node-cert', '--out', certificates], { DATA_DIR: plenum.dataDir });
      assert.equal(made.code, 0, made.out);
      const link = readFileSync(join(plenum.dataDir, 'link.port'), 'utf8').trim();
      node = spawn(join(dirname(program), 'plenum-sfu'), [], {
        env: {
          PATH: process.env.PATH,
          SFU_CONTROL: `127.0.0.1:${link}`,
          SFU_LINK_CA: join(certificates, 'ca.pem'),
          SFU_LINK_CERT: join(certificates, 'node.pem'),
          SFU_LINK_KEY: join(certificates, 'node.key'),
          SFU_NODE_ID_FILE: join(certificates, 'node-id'),
          SFU_LISTEN: '127.0.0.1',
          SFU_WORKERS: '1',
        },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      await plenum.ready();
      node.kill('SIGTERM');
      await until(
        'not ready any more',
        30_000,
        async () => (await fetch(`${plenum.url}/readyz`)).status === 503,
      );
      await until('the node is gone', 10_000, () => !alive(node.pid));
    } finally {
      node?.kill('SIGKILL');
      await plenum.kill('SIGTERM');
      rmSync(plenum.dataDir, { recursive: true, force: true });
    }
  });

  test('the log of a meeting holds no token, password, name or address (sec_03)', async () => {
    const secrets = {
      name: 'Wilhelmina Unmistakable',
      email: 'wilhelmina@example.org',
      password: 'correct horse battery',
    };
    const plenum = await Plenum.start({
      args: [],
      env: {
        BOOTSTRAP_ADMIN_EMAIL: 'root@example.org',
        BOOTSTRAP_ADMIN_PASSWORD: 'first password here',
        LOG: 'debug',
        LOG_FORMAT: 'json',
      },
    });
    try {
      const enter = async (email, password) =>
        (await request(plenum, 'POST', '/api/auth/login', { body: { email, password } })).body.data;
      const root = await enter('root@example.org', 'first password here');
      const made = await request(plenum, 'POST', '/api/admin/users', {
        token: root.token,
        body: { ...secrets, user_type: 'teacher', campus_id: 'default' },
      });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      await request(plenum, 'POST', '/api/auth/login', {
        body: { email: secrets.email, password: 'a wrong guess' },
      });
      const person = await enter(secrets.email, secrets.password);
      const meeting = await createMeeting(plenum, person, ['root@example.org'], {
        meeting_name: 'Confidential merger talks',
        meeting_password: 'meeting secret',
      });
      await startMeeting(plenum, person, meeting.id);
      const socket = await Socket.connect(plenum, person.token, { query: { token: person.token } });
      await socket.join(meeting.id, { userName: secrets.name });
      await socket.ask('send-message', { meetingId: meeting.id, message: 'words between us' });
      socket.close();
      await plenum.kill('SIGTERM');
      assert.ok(
        plenum.log.split('\n').some((line) => line.startsWith('{')),
        'there are structured lines',
      );
      const forbidden = [
        ...Object.values(secrets),
        'a wrong guess',
        'first password here',
        'root@example.org',
        person.token,
        root.token,
        person.token.split('.')[2],
        'Confidential merger talks',
        'meeting secret',
        'words between us',
      ];
      for (const word of forbidden) assert.ok(!plenum.log.includes(word), `the log holds "${word}"`);
    } finally {
      await plenum.stop();
    }
  });

  test('the pages carry security headers and CORS answers only allowed origins (sec_06, sec_07, env_05, env_06)', async () => {
    const plenum = await Plenum.start({
      env: { FRONTEND_URL: 'http://front.example', CLIENT_URL: 'http://client.example' },
    });
    try {
      const page = await fetch(plenum.url);
      assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
      assert.ok(page.headers.get('content-security-policy'));
      assert.ok(page.headers.get('referrer-policy'));
      for (const [origin, allowed] of [
        ['http://front.example', true],
        ['http://client.example', true],
        ['http://elsewhere.example', false],
      ]) {
        const answer = await fetch(`${plenum.url}/api/auth/login`, {
          method: 'OPTIONS',
          headers: {
            origin,
            'access-control-request-method': 'POST',
            'access-control-request-headers': 'content-type,authorization',
          },
        });
        assert.equal(answer.headers.get('access-control-allow-origin'), allowed ? origin : null, origin);
      }
    } finally {
      await plenum.stop();
    }
  });
});
