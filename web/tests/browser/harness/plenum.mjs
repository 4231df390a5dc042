// A real `plenum --demo` of our own: temporary data directory, ports picked by the kernel, killed and restarted at will.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.mjs';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
export const program = process.env.PLENUM_BIN ?? join(root, 'target/debug/plenum');

/** How long a start may take before it is a failure; a cold debug binary on a busy machine needs seconds. */
const START_DEADLINE_MS = 60_000;

export class Plenum {
  /** Starts one and waits until it is ready. `env` adds to the environment; `args` replaces `--demo`. */
  static async start({ env = {}, args = ['--demo'], port, host } = {}) {
    const plenum = new Plenum(port ?? (await freePort()), env, args, host);
    await plenum.launch();
    return plenum;
  }

  constructor(port, env, args, host = '127.0.0.1') {
    this.port = port;
    this.url = `http://${host}:${port}`;
    this.dataDir = env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'plenum-test-'));
    this.env = env;
    this.args = args;
    this.log = '';
  }

  /** Starts the process (again) on the same port and data, and waits for /readyz. */
  async launch() {
    this.spawn();
    await this.ready();
  }

  spawn() {
    this.process = spawn(program, this.args, {
      env: {
        PATH: process.env.PATH,
        PORT: String(this.port),
        HOST: '127.0.0.1',
        DATA_DIR: this.dataDir,
        RATE_LIMITS: 'off',
        SFU_LISTEN: '127.0.0.1',
        LOG_FORMAT: 'text',
        ...this.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk) => {
      this.log += chunk;
      if (process.env.PLENUM_TEST_LOG) process.stderr.write(chunk);
    };
    this.process.stdout.on('data', keep);
    this.process.stderr.on('data', keep);
    this.exit = new Promise((resolve) =>
      this.process.on('exit', (code, signal) => resolve({ code, signal })),
    );
    this.exit.then((exit) => {
      this.exited = exit;
    });
    this.exited = undefined;
  }

  async ready() {
    await until('plenum is ready', START_DEADLINE_MS, async () => {
      if (this.exited) throw new Error(`plenum ended with ${JSON.stringify(this.exited)}:\n${this.log}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      return answer?.status === 200;
    }).catch((error) => {
      throw new Error(`${error.message}\n${this.log}`);
    });
  }

  get pid() {
    return this.process.pid;
  }

  /** The media node's process id, as its lock file says. */
  get sfuPid() {
    const pid = this.lockedPid();
    if (!pid) throw new Error(`no media node holds ${this.dataDir}/sfu.lock`);
    return pid;
  }

  lockedPid() {
    const lock = join(this.dataDir, 'sfu.lock');
    const pid = existsSync(lock) ? Number(readFileSync(lock, 'utf8').trim()) : 0;
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  }

  async kill(signal) {
    this.process.kill(signal);
    return this.exit;
  }

  /** SIGTERM and a clean end; the temporary data goes away. */
  async stop() {
    const sfu = this.lockedPid();
    const { code, signal } = this.exited ?? (await this.kill('SIGTERM'));
    if (sfu && alive(sfu)) {
      // A test that failed half-way may leave a node that nobody adopts; it must not outlive the test run.
      await until('the media node is gone', 10_000, () => !alive(sfu)).catch(() =>
        process.kill(sfu, 'SIGKILL'),
      );
    }
    rmSync(this.dataDir, { recursive: true, force: true });
    return { code, signal };
  }
}

export function alive(pid) {
  try {
    process.kill(pid, 0);
    // A zombie still answers; what it has left is a state letter, nothing that runs.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** A port that was free a moment ago; the kernel does not hand the same one out again soon. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
