// Somebody else's client: unmodified mediasoup-client and socket.io-client in a bare page, speaking as the documents say.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { bytesReceived, keepPeerConnections, openPage } from './browser.mjs';
import { until } from './until.mjs';

const page =
  '<!doctype html><meta charset="utf-8"><title>foreign client</title><script type="module" src="/client.js"></script>';

/** The script of the page, as one file. */
async function bundle() {
  const { output } = (
    await build({
      root: fileURLToPath(new URL('../foreign', import.meta.url)),
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        minify: false,
        lib: {
          entry: fileURLToPath(new URL('../foreign/client.js', import.meta.url)),
          formats: ['es'],
          fileName: 'client',
        },
      },
    })
  )[0];
  return output.find((part) => part.isEntry).code;
}

/** Serves the page on a port of its own; `origin` must be allowed by `FRONTEND_URL`. Whoever comes first waits for the bundle. */
export async function serveForeignPage(host = '127.0.0.1') {
  let script;
  const server = createServer(async (request, answer) => {
    const isScript = request.url === '/client.js';
    if (isScript) script ??= bundle();
    answer.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    answer.end(isScript ? await script : page);
  });
  await new Promise((resolve) => server.listen(0, host, resolve));
  return { origin: `http://${host}:${server.address().port}`, close: () => server.close() };
}

/** One person with a page of their own. Everything they do goes through `window.client`. */
export class Person {
  static async open(browser, origin) {
    const page = await openPage(browser, 'about:blank');
    await page.addInitScript(keepPeerConnections);
    await page.goto(origin);
    await page.waitForFunction(() => window.client);
    return new Person(page);
  }

  constructor(page) {
    this.page = page;
  }

  /** Calls a method of the page's client; arguments and answer are JSON. */
  call(method, ...args) {
    return this.page.evaluate(([name, list]) => window.client[name](...list), [method, args]);
  }

  /** Connects and joins; keeps what `meeting-joined` said. */
  async join(plenum, login, meetingId, options = {}) {
    this.joined = await this.call('join', {
      url: plenum.url,
      token: login.token,
      meetingId,
      user: login.user,
      ...options,
    });
    return this.joined;
  }

  get participantId() {
    return this.joined.participantId;
  }

  /** Publishes microphone and camera; small pictures keep a two-core machine out of the way. */
  publish(options = {}) {
    return this.call('publish', {
      audio: true,
      video: { width: 640, height: 360, frameRate: 15 },
      ...options,
    });
  }

  /** What arrives, per consumer; `kind` and `from` narrow it. */
  async receiving({ kind, from, source } = {}) {
    const list = await this.call('receiving');
    return list.filter(
      (one) =>
        (!kind || one.kind === kind) &&
        (!from || one.participantId === from) &&
        (!source || one.source === source),
    );
  }

  /** The first event of that name that `fits` (an object of required values). */
  event(name, fits = {}, deadlineMs = 15_000) {
    return until(`${name} ${JSON.stringify(fits)}`, deadlineMs, () => this.call('findEvent', name, fits));
  }

  bytesReceived() {
    return bytesReceived(this.page);
  }

  eventCount(name) {
    return this.call('countEvents', name);
  }

  /** Resolves when video of `from` decodes `frames` more frames than now. */
  async sees(from, { frames = 5, deadlineMs = 20_000, source = 'camera' } = {}) {
    return this.grows(
      `video (${source}) of ${from}`,
      { kind: 'video', from, source },
      'framesDecoded',
      frames,
      deadlineMs,
    );
  }

  /** Resolves when the microphone of `from` brings more sound energy than now: not only packets, but something to hear. */
  async hears(from, { deadlineMs = 20_000 } = {}) {
    return this.grows(`sound of ${from}`, { kind: 'audio', from }, 'totalAudioEnergy', 1e-9, deadlineMs);
  }

  /** Resolves when one stream stands still while another, its clock, moves on by `by`. */
  async standsStill(still, field, clock, by = 15) {
    // What was on its way when we asked may still arrive: the count starts once the clock has moved a little.
    await this.grows('the clock', clock, 'framesDecoded', 5, 20_000);
    const before = (await this.receiving(still))[0][field];
    await this.grows('the clock', clock, 'framesDecoded', by, 20_000);
    const now = (await this.receiving(still))[0][field];
    if (now !== before) throw new Error(`${field} went from ${before} to ${now}, it should have stood still`);
  }

  async grows(what, which, field, by, deadlineMs) {
    let first;
    return until(`${what}: ${field} grows`, deadlineMs, async () => {
      const one = (await this.receiving(which))[0];
      if (one === undefined || typeof one[field] !== 'number') return undefined;
      // A consumer replaced meanwhile starts to count again.
      if (first === undefined || one[field] < first) first = one[field];
      return one[field] - first >= by ? one : undefined;
    }).catch(async (error) => {
      const state = JSON.stringify(await this.call('receiving').catch(() => 'page gone'));
      throw new Error(
        `${error.message}\nreceiving: ${state}\nconsole: ${this.page.said.slice(-10).join('\n')}`,
      );
    });
  }

  close(options) {
    return this.page.context().close(options);
  }
}
