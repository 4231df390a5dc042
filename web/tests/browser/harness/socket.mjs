// A Socket.IO client that remembers every event it saw, for tests without a browser.
import { io } from 'socket.io-client';
import { until } from './until.mjs';

const EVENT_DEADLINE_MS = 15_000;

export class Socket {
  /** Connects; rejects with the text of `connect_error`. */
  static async connect(plenum, token, options = {}) {
    const socket = new Socket(plenum, { auth: token === undefined ? {} : { token }, ...options });
    await new Promise((resolve, reject) => {
      socket.io.once('connect', resolve);
      socket.io.once('connect_error', reject);
    }).catch((error) => {
      socket.io.close();
      throw error;
    });
    return socket;
  }

  constructor(plenum, options) {
    this.events = [];
    this.io = io(plenum.url, { transports: ['websocket'], reconnection: false, forceNew: true, ...options });
    this.io.onAny((name, payload) => this.events.push({ name, payload }));
  }

  emit(name, ...payload) {
    this.io.emit(name, ...payload);
  }

  /** Emits with a callback and answers what the server acknowledged. */
  ask(name, payload) {
    return this.io.timeout(EVENT_DEADLINE_MS).emitWithAck(name, payload);
  }

  seen(name) {
    return this.events.filter((event) => event.name === name).map((event) => event.payload);
  }

  /** The first event of that name (that `accepts` takes), seen already or still to come. */
  async event(name, accepts = () => true) {
    return until(
      `event ${name}, seen so far: ${this.events.map((event) => event.name).join(' ')}`,
      EVENT_DEADLINE_MS,
      () => this.seen(name).find(accepts),
    );
  }

  /** Joins and answers the payload of `meeting-joined`. */
  async join(meetingId, payload = {}) {
    const before = this.seen('meeting-joined').length;
    this.emit('join-meeting', { meetingId, ...payload });
    return until(
      'meeting-joined',
      EVENT_DEADLINE_MS,
      () => this.seen('meeting-joined')[before] ?? this.refused(),
    );
  }

  refused() {
    const refusal = this.seen('error')[0];
    if (refusal) throw new Error(refusal.message);
  }

  /** Waits until everything sent before has been answered: requests of one socket are handled in order. */
  async settled(meetingId) {
    await this.ask('raise-hand', { meetingId, raised: false });
  }

  close() {
    this.io.close();
  }
}
