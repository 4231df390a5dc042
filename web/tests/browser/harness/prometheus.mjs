// Debian's Prometheus, with the configuration that we ship, looking at processes of a test.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './plenum.mjs';
import { until } from './until.mjs';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
export const grafana = join(root, 'grafana');
const env = { ...process.env, PATH: `${join(root, '.tools/bin')}:${process.env.PATH}` };
const START_DEADLINE_MS = 30_000;

export class Prometheus {
  /** Starts one that scrapes `targets` (as prometheus.yml names them: ours) once a second. */
  static async start(targets) {
    const dir = mkdtempSync(join(tmpdir(), 'plenum-prometheus-'));
    writeFileSync(join(dir, 'prometheus.yml'), configuration(targets));
    const prometheus = new Prometheus(await freePort(), dir, Object.keys(targets).length);
    await prometheus.ready();
    return prometheus;
  }

  constructor(port, dir, targets) {
    this.url = `http://127.0.0.1:${port}`;
    this.dir = dir;
    this.targets = targets;
    this.log = '';
    const args = [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ];
    this.process = spawn('prometheus', args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr.on('data', (chunk) => {
      this.log += chunk;
    });
    this.exit = new Promise((resolve) => {
      this.process.on('error', resolve);
      this.process.on('exit', resolve);
    });
    this.exit.then((how) => {
      this.exited = how ?? 'a signal';
    });
  }

  async ready() {
    await until('prometheus is ready', START_DEADLINE_MS, async () => {
      if (this.exited !== undefined) throw new Error(`prometheus ended with ${this.exited}:\n${this.log}`);
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      return answer?.status === 200;
    });
  }

  /**
   * Waits until every target has answered. It looks at none before it has run for five seconds, and what was counted by then
   * has no rate.
   */
  async hasLooked() {
    await until('prometheus has looked at every target', START_DEADLINE_MS, async () => {
      const up = await this.series('up == 1');
      return up.length === this.targets;
    });
  }

  /** The `data` of an answer of its API. */
  async api(path, parameters = {}) {
    const answer = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { status, data, error } = await answer.json();
    if (status !== 'success') throw new Error(error);
    return data;
  }

  /** The series of an expression at this moment: `[{metric, value}]`. */
  async series(expression) {
    const { resultType, result } = await this.api('query', { query: expression });
    const series = resultType === 'vector' ? result : [{ metric: {}, value: result }];
    return series.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  /** Every alert rule as it was loaded: `[{name, query, health, lastError}]`. */
  async rules() {
    return (await this.api('rules')).groups.flatMap((group) => group.rules);
  }

  async stop() {
    if (this.exited === undefined) this.process.kill('SIGKILL');
    await this.exit;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** What `promtool` says; throws when it finds something wrong. */
export function promtool(args, input) {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { env, input, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`promtool ${args.join(' ')}: ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** The file that we ship, with other targets and quicker. */
function configuration(targets) {
  let text = readFileSync(join(grafana, 'prometheus.yml'), 'utf8');
  const replace = (ours, other) => {
    if (!text.includes(ours)) throw new Error(`prometheus.yml has lost ${ours}`);
    text = text.replaceAll(ours, other);
  };
  replace('_interval: 15s', '_interval: 1s');
  replace('alerts/*.yml', join(grafana, 'alerts/*.yml'));
  for (const [ours, other] of Object.entries(targets)) replace(`'${ours}'`, `'${other}'`);
  return text;
}
