// What is checked in is what the server says, and the collection does what it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import newman from 'newman';
import { Plenum } from '../../../web/tests/browser/harness/plenum.mjs';
import { createMeeting, login } from '../../../web/tests/browser/harness/rest.mjs';
import { description, operations, spoken } from '../description.mjs';
import { files } from '../files.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const COLLECTION = 'docs/postman/meeting-api.json';

let plenum;
let described;
let api;
before(async () => {
  plenum = await Plenum.start({
    env: {
      LIVEKIT_URL: 'wss://livekit.example.com',
      LIVEKIT_API_KEY: 'key',
      LIVEKIT_API_SECRET: 'x'.repeat(40),
    },
  });
  described = await description(plenum.url);
  api = described.api;
});
after(() => plenum?.stop());

test('cli_09 cli_10 the types of the SDKs and the collection are those of the running server', () => {
  for (const [path, text] of files(described)) {
    const same = readFileSync(root + path, 'utf8') === text;
    assert.ok(same, `${path} is not what the server describes now: run \`make sdk\` and commit what changes`);
  }
});

test('cli_09 cli_10 the SDKs speak each route of the contract', () => {
  const contract = readFileSync(`${root}docs/contract/rest.yaml`, 'utf8');
  const wanted = [
    ...contract.matchAll(/^- id: V1-\d+\n(?: {2}.*\n)*? {2}method: (\w+)\n {2}path: (\S+)/gm),
  ].map(([, method, path]) => `${method} ${path.replace(/\{\w+\}/g, '{}')}`);
  assert.equal(wanted.length, 13);
  const described = spoken(api).map(
    ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{\w+\}/g, '{}')}`,
  );
  assert.deepEqual(
    wanted.filter((one) => !described.includes(one)),
    [],
  );
});

test('the collection has every operation once, below its tag, with an id of its own', () => {
  const collection = JSON.parse(readFileSync(root + COLLECTION, 'utf8'));
  const all = requests(collection);
  const told = operations(api).map(
    ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
  );
  const have = all.map(({ request }) => `${request.method} /${request.url.path.join('/')}`);
  assert.deepEqual(have.sort(), told.sort());
  assert.equal(new Set(all.map((one) => one.id)).size, all.length);
  assert.equal(
    collection.info.schema,
    'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  );
  const known = new Set(collection.variable.map((one) => one.key));
  for (const [, name] of JSON.stringify(collection.item).matchAll(/\{\{(\w+)\}\}/g)) {
    assert.ok(known.has(name), `{{${name}}} is no variable of the collection`);
  }
});

test('the collection is sent by a Postman runner: logging in, all that only looks, and one meeting from start to end', async () => {
  const host = await login(plenum, 'host@demo.test');
  const meeting = await createMeeting(plenum, host, ['member@demo.test']);
  const own = await createMeeting(plenum, await login(plenum, 'admin@demo.test'), ['member@demo.test']);
  const collection = JSON.parse(readFileSync(root + COLLECTION, 'utf8'));
  const all = requests(collection);
  const find = (name) =>
    all.find((one) => `${one.request.method} /${one.request.url.path.join('/')}` === name) ??
    assert.fail(name);
  const logIn = find('POST /api/auth/login');
  logIn.request.body.raw = JSON.stringify({ email: 'admin@demo.test', password: 'demo-password' });
  const looks = all.filter((one) => one.request.method === 'GET');
  const v1 = '/api/v1/meetings/:meeting_id';
  const story = [
    `POST ${v1}/start`,
    `GET ${v1}/status`,
    `POST ${v1}/join`,
    `GET ${v1}/participants`,
    `PUT ${v1}/participants/status`,
    `POST ${v1}/chat`,
    `GET ${v1}/chat`,
    `POST ${v1}/breakout-rooms`,
    `GET ${v1}/breakout-rooms`,
    `DELETE ${v1}/breakout-rooms`,
    `POST ${v1}/security/policy`,
    `POST ${v1}/leave`,
    `POST ${v1}/end`,
  ].map(find);
  const asked = await sent(
    { ...collection, item: [logIn, ...looks] },
    { meetingId: own.id, file: 'pages.css' },
  );
  assert.equal(asked.length, looks.length + 1);
  assert.equal(asked[0].status, 200);
  for (const { name, status } of asked) {
    // Things that are not there, or not yet, are refused; nothing is misunderstood, unknown as a route, or a failure.
    assert.ok(status < 500 && status !== 401 && status !== 405, `${name}: ${status}`);
  }
  assert.ok(asked.filter((one) => one.status === 200).length > asked.length / 2, JSON.stringify(asked));
  const told = await sent({ ...collection, item: story }, { meetingId: meeting.id, token: host.token });
  assert.deepEqual(
    told.map((one) => one.status),
    story.map(() => 200),
    JSON.stringify(told),
  );
});

/** Every request of a collection, folders apart. */
function requests(item) {
  return item.item.flatMap((one) => (one.item ? requests(one) : [one]));
}

/** Sends a collection one by one with these variables; answers names and statuses. */
function sent(collection, variables) {
  const values = { baseUrl: plenum.url, ...variables };
  // What is empty would make another path of the route.
  const variable = collection.variable.map((one) => ({
    ...one,
    value: values[one.key] ?? (one.value || 'none'),
  }));
  return new Promise((resolve, reject) => {
    newman.run({ collection: { ...collection, variable }, timeoutRequest: 15_000 }, (error, summary) => {
      if (error) return reject(error);
      const problems = summary.run.failures.map(
        ({ source, error: one }) => `${source?.name}: ${one.message}`,
      );
      if (problems.length > 0) return reject(new Error(problems.join('\n')));
      return resolve(
        summary.run.executions.map(({ item, response }) => ({ name: item.name, status: response.code })),
      );
    });
  });
}
