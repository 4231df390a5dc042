// Every query of the dashboards and every alert, answered by Debian's Prometheus about the running programs under load.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dashboards, flaws, panels, questions, variables } from './harness/dashboards.mjs';
import { freePort, Plenum, program } from './harness/plenum.mjs';
import { grafana, Prometheus, promtool } from './harness/prometheus.mjs';
import { createMeeting, endMeeting, liveMeeting, request, startMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

const DEADLINE_MS = 60_000;

describe('dashboards and alerts', () => {
  let plenum;
  let prometheus;
  let sfu;
  let receiver;
  let load;

  before(async () => {
    receiver = await webhookReceiver();
    const port = await freePort();
    sfu = `127.0.0.1:${await freePort()}`;
    // Before what it looks at, because it takes longer until it does.
    prometheus = await Prometheus.start({
      'localhost:4501': `127.0.0.1:${port}`,
      'localhost:4502': sfu,
    });
    plenum = await Plenum.start({
      port,
      env: {
        SFU_HTTP: sfu,
        WEBHOOK_URLS: receiver.url,
        WEBHOOK_SECRET: 'a secret of sixteen and more',
        WEBHOOK_ALLOW_HTTP: 'on',
        WEBHOOK_ALLOW_PRIVATE: '127.0.0.1',
      },
    });
    await prometheus.hasLooked();
  });
  after(async () => {
    load?.process.kill();
    await prometheus?.stop();
    await plenum?.stop();
    receiver?.close();
  });

  const pages = () =>
    Promise.all([plenum.url, `http://${sfu}`].map(async (url) => (await fetch(`${url}/metrics`)).text()));

  test('every panel, alert and variable has an answer while a meeting runs (add_10, env_12)', async () => {
    load = startLoad(plenum);
    const visitor = await Visitor.join(plenum);
    // Each is done once it had an answer: at the end the meeting is over and has none of some.
    let waiting = [...questions(), ...(await alerts(prometheus))];
    assert.ok(waiting.length > 150, `only ${waiting.length} queries`);
    const end = performance.now() + DEADLINE_MS;
    while (waiting.length > 0 && performance.now() < end) {
      await visitor.acts();
      waiting = await unanswered(prometheus, waiting);
    }
    visitor.leave();
    const { media } = await load.report();
    assert.ok(media.received > 0, 'the bots saw nothing');
    assert.deepEqual(
      waiting.map(({ where, expression, problem }) => `${where}: ${problem}: ${expression}`),
      [],
    );
    for (const { where, metric, label } of variables()) {
      const values = await prometheus.api(`label/${label}/values`, { 'match[]': metric });
      assert.ok(values.length > 0, where);
    }
    for (const { name, health, lastError } of await prometheus.rules())
      assert.equal(health, 'ok', `${name}: ${lastError}`);
  });

  test('the check itself finds what nobody exports', async () => {
    const made = [
      { where: 'a metric', expression: 'rate(plenum_never_total[5m])', shown: [] },
      { where: 'a label', expression: 'sum by (colour) (plenum_live_meetings)', shown: ['colour'] },
      {
        where: 'no number',
        expression: '0 * plenum_nodes_up / (plenum_nodes_up - plenum_nodes_up)',
        shown: [],
      },
      { where: 'no sense', expression: 'sum(', shown: [] },
      { where: 'fine', expression: 'sum by (instance) (plenum_nodes_up)', shown: ['instance'] },
    ];
    const found = (await unanswered(prometheus, made)).map(({ where }) => where);
    assert.deepEqual(found, ['a metric', 'a label', 'no number', 'no sense']);
  });

  test('promtool finds nothing to mend in the rules, the configuration and both pages', async () => {
    promtool(['check', 'rules', join(grafana, 'alerts/plenum.yml')]);
    promtool(['check', 'config', join(grafana, 'prometheus.yml')]);
    for (const page of await pages()) promtool(['check', 'metrics'], page);
  });

  test('every panel has a title, a description, a unit and a place of its own', () => {
    assert.deepEqual(flaws(), []);
  });

  test('the questions that the README answers lead to panels that there are', () => {
    const titles = new Set(
      dashboards().flatMap(({ dashboard }) => panels(dashboard).map(({ title }) => title)),
    );
    const lines = readFileSync(join(grafana, 'README.md'), 'utf8').split('\n');
    const table = lines.slice(lines.indexOf('| question | panel | metric |') + 2);
    const rows = table.filter((line) => line.startsWith('| ')).map((line) => line.split(' | '));
    const named = rows.flatMap(([, titles]) => titles.split('; '));
    assert.ok(named.length > 20, 'the table is gone');
    assert.deepEqual(
      named.filter((title) => !titles.has(title)),
      [],
    );
  });

  test('both processes say that they are alive', async () => {
    for (const base of [plenum.url, `http://${sfu}`]) {
      for (const path of ['/healthz', '/readyz'])
        assert.equal((await fetch(base + path)).status, 200, base + path);
    }
  });

  test('no series carries what would grow without end or name a person', async () => {
    for (const page of await pages()) {
      const labels = page.matchAll(
        /^(\w+)\{.*?\b(\w*(?:user|email|name|token|address|meeting|room|session|participant)\w*)=/gm,
      );
      assert.deepEqual(
        [...labels].map(([, metric, label]) => `${metric}{${label}}`),
        [],
      );
    }
  });
});

/** Those that have no answer now, each with its problem. */
async function unanswered(prometheus, asked) {
  const answers = await Promise.all(
    asked.map(async (question) => ({ ...question, problem: await problem(prometheus, question) })),
  );
  return answers.filter(({ problem }) => problem);
}

async function problem(prometheus, { expression, shown }) {
  try {
    const series = await prometheus.series(expression);
    if (series.length === 0) return 'empty';
    if (series.every(({ value }) => Number.isNaN(value))) return 'not a number';
    const missing = shown.filter((label) => series.some(({ metric }) => !metric[label]));
    return missing.length > 0 && `no label ${missing}`;
  } catch (error) {
    return error.message;
  }
}

/** The rules as Prometheus has read them. A comparison that does not hold is empty by design: it is to say 0 or 1 instead. */
async function alerts(prometheus) {
  const rules = await prometheus.rules();
  assert.ok(rules.length > 10, 'the rules are gone');
  return rules.map(({ name, query }) => {
    const expression = query.replace(/ (==|!=|<=|>=|<|>) /g, ' $1 bool ');
    assert.notEqual(expression, query, `${name} compares nothing`);
    return { where: name, expression, shown: [] };
  });
}

/** A few bots with cameras in three layers on a network that loses; `report()` resolves with what they counted. */
function startLoad(plenum) {
  const args = ['meeting', '--url', plenum.url, '--json', '--quiet', '--bots', '4', '--seconds', '4'];
  const media = '--joining 1 --simulcast --audio --loss 0.03 --fps 10 --video-kbps 400';
  const child = spawn(join(dirname(program), 'plenum-loadtest'), [...args, ...media.split(' ')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const closed = new Promise((resolve) => child.on('close', resolve));
  const report = async () => {
    const code = await closed;
    assert.notEqual(out, '', `the load test ended with ${code} and no report`);
    return JSON.parse(out);
  };
  return { process: child, report };
}

/** Somebody with no media who does a little of everything, right and wrong, again and again. */
class Visitor {
  static async join(plenum) {
    const { meeting, people } = await liveMeeting(plenum);
    const socket = await Socket.connect(plenum, people.member.token);
    await socket.join(meeting.id);
    return new Visitor(plenum, people.host, meeting.id, socket);
  }

  constructor(plenum, host, meetingId, socket) {
    Object.assign(this, { plenum, host, meetingId, socket });
  }

  async acts() {
    const { plenum, host, meetingId, socket } = this;
    await request(plenum, 'POST', '/api/auth/login', {
      body: { email: 'host@demo.test', password: 'wrong' },
    });
    await socket.ask('raise-hand', { meetingId, raised: true });
    await socket.ask('send-message', { meetingId });
    const { transportId } = await socket.ask('create-transport', { meetingId, direction: 'send' });
    // One that speaks as somebody else from now on is refused by the media node.
    for (const value of ['AA', 'BB']) {
      const dtlsParameters = { fingerprints: [{ algorithm: 'sha-256', value }] };
      await socket.ask('connect-transport', { transportId, dtlsParameters });
    }
    const another = await createMeeting(plenum, host, ['member@demo.test']);
    await startMeeting(plenum, host, another.id);
    await endMeeting(plenum, host, another.id);
  }

  leave() {
    this.socket.close();
  }
}

/** Takes every message. */
async function webhookReceiver() {
  const server = createServer((message, answer) => {
    message.resume();
    answer.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
