// Every query of the dashboards and alerts against what the two running processes really export, after a real meeting.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch } from './harness/browser.mjs';
import { Person, serveForeignPage } from './harness/foreign.mjs';
import { freePort, Plenum } from './harness/plenum.mjs';
import { exported, used } from './harness/promql.mjs';
import { liveMeeting, request } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

const grafana = fileURLToPath(new URL('../../../grafana', import.meta.url));

/** `[{where, expression, legend}]` of every dashboard panel and variable, and of every alert. */
function queries() {
  const all = [];
  for (const file of readdirSync(join(grafana, 'dashboards'))) {
    const dashboard = JSON.parse(readFileSync(join(grafana, 'dashboards', file), 'utf8'));
    for (const panel of dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])) {
      for (const target of panel.targets ?? []) {
        all.push({
          where: `${file}: ${panel.title}`,
          expression: target.expr,
          legend: target.legendFormat ?? '',
        });
      }
    }
    for (const variable of dashboard.templating?.list ?? []) {
      if (variable.type === 'query')
        all.push({ where: `${file}: $${variable.name}`, expression: variable.query, legend: '' });
    }
  }
  for (const file of readdirSync(join(grafana, 'alerts'))) {
    for (const [, expression] of readFileSync(join(grafana, 'alerts', file), 'utf8').matchAll(
      /^\s*expr: (.*)$/gm,
    )) {
      all.push({ where: file, expression, legend: '' });
    }
  }
  return all;
}

describe('metrics', () => {
  let plenum;
  let foreign;
  let browser;
  let sfu;

  const pages = async () => {
    const texts = await Promise.all(
      [`${plenum.url}/metrics`, `${sfu}/metrics`].map(async (url) => (await fetch(url)).text()),
    );
    return texts.map(exported);
  };

  before(async () => {
    foreign = await serveForeignPage();
    const port = await freePort();
    sfu = `http://127.0.0.1:${port}`;
    plenum = await Plenum.start({
      env: { FRONTEND_URL: foreign.origin, SFU_HTTP: `127.0.0.1:${port}`, RATE_LIMITS: 'on' },
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await plenum?.stop();
    foreign?.close();
  });

  test('every metric and label the dashboards and alerts ask for is exported after a meeting (add_10, env_12)', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const [ada, ben] = await Promise.all(
      [people.host, people.member].map(async (login) => {
        const person = await Person.open(browser, foreign.origin);
        await person.join(plenum, login, meeting.id);
        await person.publish();
        return person;
      }),
    );
    await Promise.all([ada.sees(ben.participantId), ben.sees(ada.participantId)]);
    await request(plenum, 'POST', '/api/auth/login', {
      body: { email: 'host@demo.test', password: 'wrong' },
    });
    await request(plenum, 'GET', '/api/meeting/unknown', { token: people.host.token });
    await ada.event('connection-quality', {}, 30_000);

    const wanted = queries();
    assert.ok(wanted.length > 15, 'the dashboard has lost its panels');
    const missing = await until('all series', 20_000, async () => {
      const found = problems(wanted, await pages());
      return found.length === 0 && ['none'];
    }).then(
      () => [],
      async () => problems(wanted, await pages()),
    );
    assert.deepEqual(missing, []);
  });

  test('the check itself finds a metric and a label that nobody exports', async () => {
    const made = ['rate(plenum_never_total[5m])', 'sum by (colour) (plenum_live_meetings)'];
    const found = problems(
      made.map((expression) => ({ where: 'here', expression, legend: '' })),
      await pages(),
    );
    assert.deepEqual(found, [
      'here: plenum_never_total is not exported',
      'here: plenum_live_meetings has no label colour',
    ]);
  });

  test('both processes say that they are alive', async () => {
    for (const base of [plenum.url, sfu]) {
      for (const path of ['/healthz', '/readyz'])
        assert.equal((await fetch(base + path)).status, 200, base + path);
    }
  });

  test('no series carries what would grow without end or name a person', async () => {
    for (const page of await pages()) {
      for (const [metric, labels] of page) {
        for (const label of labels) {
          assert.doesNotMatch(
            label,
            /user|email|name|token|address|meeting|room|session|participant/,
            `${metric}{${label}}`,
          );
        }
      }
    }
  });
});

/** What the queries ask for and no process exports. */
function problems(wanted, exports) {
  const found = [];
  for (const { where, expression, legend } of wanted) {
    const metrics = used(expression);
    if (metrics.length === 0 && !/\bup\b/.test(expression))
      found.push(`${where}: no metric of ours in ${expression}`);
    const shown = [...legend.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label]) => label);
    for (const { metric, labels } of metrics) {
      const known = exports.map((page) => page.get(metric)).filter(Boolean);
      if (known.length === 0) found.push(`${where}: ${metric} is not exported`);
      else {
        for (const label of [...labels, ...shown]) {
          const given = ['instance', 'job', 'le'].includes(label);
          if (!given && !known.some((of) => of.has(label)))
            found.push(`${where}: ${metric} has no label ${label}`);
        }
      }
    }
  }
  return found;
}
