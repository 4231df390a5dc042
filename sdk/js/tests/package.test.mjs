// The package as it would be published: what is in it, and that it works where it is installed.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { example, exampleFor } from './example.mjs';
import { clientOf, createMeeting, Ears, login, Plenum, until } from './people.mjs';

const folder = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
/** Node before 22 has its WebSocket behind a flag. */
const flags =
  Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-websocket', '--no-warnings'] : [];

let project;
let listed;
let plenum;

before(async () => {
  plenum = await Plenum.start();
  project = mkdtempSync(join(tmpdir(), 'plenum-sdk-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: folder });
  // What the build says comes before.
  const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n')));
  listed = packed.files.map((file) => file.path);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  const offline = ['--offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...offline, join(project, packed.filename)], { cwd: project });
});
after(async () => {
  await plenum?.stop();
  if (project) rmSync(project, { recursive: true, force: true });
});

test('cli_09 the package has both builds with their types, its text and its licence, and nothing else', () => {
  const outside = listed.filter((path) => !path.startsWith('dist/'));
  assert.deepEqual(outside.sort(), ['LICENSE', 'README.md', 'package.json']);
  for (const build of ['esm', 'cjs']) {
    for (const file of ['index.js', 'index.d.ts', 'client.js', 'generated/v1.d.ts']) {
      assert.ok(listed.includes(`dist/${build}/${file}`), `dist/${build}/${file}`);
    }
  }
  assert.deepEqual(
    listed.filter((path) => !/(\.js|\.d\.ts|package\.json|LICENSE|README\.md)$/.test(path)),
    [],
  );
  const here = readFileSync(join(folder, 'LICENSE'));
  assert.ok(
    here.equals(readFileSync(join(folder, '../../LICENSE'))),
    'the licence is that of the repository',
  );
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  assert.equal(dependencies, undefined);
});

test('cli_09 the package is taken by import and by require', async () => {
  const say = 'console.log(typeof MeetingClient, new MeetingError("m", { code: "C" }).code)';
  const name = 'plenum-meeting-sdk';
  for (const [file, text] of [
    ['take.mjs', `import { MeetingClient, MeetingError } from '${name}'; ${say}`],
    ['take.cjs', `const { MeetingClient, MeetingError } = require('${name}'); ${say}`],
  ]) {
    writeFileSync(join(project, file), text);
    const { stdout } = await run(process.execPath, [join(project, file)]);
    assert.equal(stdout.trim(), 'function C');
  }
});

test('cli_09 the types are those of the API, strict and without types of a browser', async () => {
  const compiler = join(folder, 'node_modules/typescript/bin/tsc');
  const check = (file, text, options) => {
    writeFileSync(join(project, file), text);
    const compilerOptions = { strict: true, noEmit: true, target: 'es2022', types: [], ...options };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    return run(process.execPath, [compiler, '-p', project]).then(
      () => '',
      (error) => error.stdout,
    );
  };
  const use = `
    import { MeetingClient, MeetingError, type Participant } from 'plenum-meeting-sdk';
    declare const client: MeetingClient;
    export async function use(): Promise<string[]> {
      const joined = await client.joinMeeting('m', { deviceType: 'desktop', joinMuted: true });
      const role: 'host' | 'co_host' | 'presenter' | 'attendee' = joined.role;
      const people: Participant[] = await client.getParticipants('m');
      client.on('chat', (message) => message.data.senderName.trim());
      client.on('reconnecting', ({ attempt }) => attempt.toFixed());
      await client.createBreakoutRooms('m', { roomCount: 1, rooms: [{ name: 'a', settings: { allowChat: true } }] });
      const failed = new MeetingError('m', { code: 'C' }).retryAfter?.toFixed();
      return [role, String(failed), ...people.map((one) => one.userName)];
    }`;
  const node = { lib: ['es2022'], module: 'nodenext', moduleResolution: 'nodenext' };
  assert.equal(await check('use.mts', use, node), '');
  assert.equal(await check('use.cts', use, node), '');
  const wrong = use.replace("deviceType: 'desktop'", 'deviceType: 7').replace('senderName', 'sender_name');
  const complaints = await check('wrong.mts', wrong, node);
  assert.equal(complaints.match(/error TS/g)?.length, 2, complaints);
  // The example of the guide asks the error for its code at once, which `strict` alone forbids.
  const browser = { lib: ['es2022', 'dom'], module: 'esnext', moduleResolution: 'bundler' };
  assert.equal(await check('example.ts', example(), { ...browser, useUnknownInCatchVariables: false }), '');
});

test('cli_09 the example of the guide does in Node what it says', async (t) => {
  const host = await login(plenum, 'host@demo.test');
  const member = await login(plenum, 'member@demo.test');
  const { id } = await createMeeting(plenum, host, ['member@demo.test']);
  writeFileSync(
    join(project, 'example.mjs'),
    exampleFor({ url: plenum.url, token: host.token, meetingId: id }),
  );
  const start = () => {
    const program = spawn(process.execPath, [...flags, join(project, 'example.mjs')]);
    const told = { text: '' };
    for (const out of [program.stdout, program.stderr]) out.on('data', (chunk) => (told.text += chunk));
    const ended = new Promise((resolve) => program.on('exit', resolve));
    t.after(() => program.kill());
    return { program, told, ended };
  };
  const first = start();
  await until('the message of the example', 20_000, async () => {
    const history = await clientOf(plenum.url, host).getChatHistory(id);
    return history.some((one) => one.content === 'Hello everyone!');
  }).catch((error) => assert.fail(`${error.message}\n${first.told.text}`));
  assert.match(first.told.text, /Meeting started: \{\n? *meetingId: '/);
  // It listens: what somebody else does arrives there.
  const other = clientOf(plenum.url, member);
  const ears = new Ears(other);
  await other.joinMeeting(id);
  await ears.heard('open');
  await until('the update is printed', 20_000, async () => {
    await other.updateStatus(id, { isMuted: true });
    await other.updateStatus(id, { isMuted: false });
    return /Participant updated: \{/.test(first.told.text);
  }).catch((error) => assert.fail(`${error.message}\n${first.told.text}`));
  assert.match(first.told.text, new RegExp(member.user.id));
  // And once more while the meeting runs: the refusal is the one it knows.
  const second = start();
  await until('the second run', 20_000, () => second.told.text.includes('Meeting is already running')).catch(
    (error) => assert.fail(`${error.message}\n${second.told.text}`),
  );
  other.close();
});
