// A real server, a live meeting in it, and clients of people: what the tests of this package start from.
import WebSocket from 'ws';
import { Plenum } from '../../../web/tests/browser/harness/plenum.mjs';
import { createMeeting, liveMeeting, login, request } from '../../../web/tests/browser/harness/rest.mjs';
import { until } from '../../../web/tests/browser/harness/until.mjs';
import { MeetingClient } from '../dist/esm/index.js';

export { createMeeting, liveMeeting, login, Plenum, request, until };

/** No answer of the server in a test takes longer. */
export const DEADLINE_MS = 15_000;

/** A client of somebody who is logged in. Its stream tries often, so that tests need not wait for it. */
export function clientOf(url, person, options = {}) {
  return new MeetingClient({
    apiUrl: url,
    token: person.token,
    webSocket: WebSocket,
    reconnect: { attempts: 40, baseMs: 20, maxMs: 200 },
    ...options,
  });
}

/** Everything a client hears, in order; `heard(name)` waits for the first of that name that fits. */
export class Ears {
  static names = [
    'join',
    'joined',
    'participant_update',
    'chat',
    'reaction',
    'hand_raise',
    'leave',
    'meeting_ended',
    'error',
    'open',
    'reconnecting',
    'close',
  ];

  constructor(client) {
    this.all = [];
    for (const name of Ears.names) client.on(name, (event) => this.all.push({ name, event }));
  }

  of(name) {
    return this.all.filter((one) => one.name === name).map((one) => one.event);
  }

  async heard(name, fits = () => true, count = 1) {
    await until(
      `${count} × ${name}; heard so far: ${JSON.stringify(this.all)}`,
      DEADLINE_MS,
      () => this.of(name).filter(fits).length >= count,
    );
    return this.of(name).filter(fits)[count - 1];
  }
}
