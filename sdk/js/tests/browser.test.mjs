// The package in Chromium, with the platform's own fetch and WebSocket, from a page of another origin.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, openPage } from '../../../web/tests/browser/harness/browser.mjs';
import { exampleFor } from './example.mjs';
import { clientOf, createMeeting, login, Plenum, until } from './people.mjs';

const built = fileURLToPath(new URL('../dist/esm', import.meta.url));
/** A browser finds the package by its name through an import map, as it would through a bundler. */
const page = `<!doctype html><meta charset="utf-8"><title>sdk</title>
<script type="importmap">{ "imports": { "plenum-meeting-sdk": "/index.js" } }</script>`;

let browser;
let plenum;
let server;
before(async () => {
  server = createServer((request, answer) => {
    const script = request.url.endsWith('.js');
    answer.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    answer.end(script ? readFileSync(built + new URL(request.url, 'http://page').pathname) : page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  plenum = await Plenum.start({ env: { FRONTEND_URL: origin() } });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await plenum?.stop();
  server?.close();
});

const origin = () => `http://127.0.0.1:${server.address().port}`;

test('cli_09 the example of the guide does in Chromium what it says', async () => {
  const host = await login(plenum, 'host@demo.test');
  const member = await login(plenum, 'member@demo.test');
  const { id } = await createMeeting(plenum, host, ['member@demo.test']);
  const tab = await openPage(browser, origin());
  await tab.addScriptTag({
    type: 'module',
    content: exampleFor({ url: plenum.url, token: host.token, meetingId: id }),
  });
  const said = () => tab.said.join('\n');
  const other = clientOf(plenum.url, member);
  await until('the message of the example', 20_000, async () => {
    return (await other.getChatHistory(id).catch(() => [])).some((one) => one.content === 'Hello everyone!');
  }).catch((error) => assert.fail(`${error.message}\n${said()}`));
  assert.match(said(), /Meeting started:/);
  await other.joinMeeting(id);
  await until('the update is printed', 20_000, async () => {
    await other.updateStatus(id, { isMuted: true });
    await other.updateStatus(id, { isMuted: false });
    return /Participant updated:/.test(said());
  }).catch((error) => assert.fail(`${error.message}\n${said()}`));
  await tab.context().close();
});

test('cli_09 in Chromium a refusal has its code, and a stream comes back after the network was away', async () => {
  const host = await login(plenum, 'host@demo.test');
  const { id } = await createMeeting(plenum, host, ['member@demo.test']);
  await clientOf(plenum.url, host).startMeeting(id);
  const tab = await openPage(browser, origin());
  const refusal = await tab.evaluate(
    async ([apiUrl, token, meetingId]) => {
      const { MeetingClient, MeetingError } = await import('plenum-meeting-sdk');
      window.heard = [];
      window.client = new MeetingClient({
        apiUrl,
        token,
        retries: 0,
        reconnect: { attempts: 100, baseMs: 50, maxMs: 200 },
      });
      for (const name of ['open', 'reconnecting', 'chat', 'close']) {
        window.client.on(name, (event) => window.heard.push({ name, ...event }));
      }
      await window.client.connect(meetingId);
      const error = await window.client.startMeeting(meetingId).catch((one) => one);
      return { ours: error instanceof MeetingError, code: error.code, status: error.status };
    },
    [plenum.url, host.token, id],
  );
  assert.deepEqual(refusal, { ours: true, code: 'MEETING_ALREADY_ACTIVE', status: 409 });
  const heard = (name) => tab.evaluate((wanted) => window.heard.filter((one) => one.name === wanted), name);
  await plenum.kill('SIGKILL');
  await until('it tries again', 20_000, async () => (await heard('reconnecting')).length > 0);
  await plenum.launch();
  await until('it is back', 20_000, async () => (await heard('open')).some((one) => one.again));
  const other = clientOf(plenum.url, await login(plenum, 'member@demo.test'));
  await other.joinMeeting(id);
  await other.sendChatMessage(id, { content: 'back again' });
  await until('it hears', 20_000, async () =>
    (await heard('chat')).some((one) => one.data.content === 'back again'),
  );
  await tab.evaluate(() => window.client.close());
  assert.deepEqual(
    (await heard('close')).map((one) => one.reason),
    ['closed'],
  );
  await tab.context().close();
});
