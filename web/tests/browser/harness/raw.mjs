// The raw WebSocket of the v1 dialect, spoken by the WebSocket of a real browser: pages hold the sockets, tests ask them.
import { until } from './until.mjs';

const MESSAGE_DEADLINE_MS = 15_000;

export class RawSocket {
  /** Opens one in a page of the server's origin; resolves once it is open. The token goes into the address: browsers set no headers. */
  static async connect(page, plenum, meetingId, token) {
    const url = `${plenum.url.replace('http', 'ws')}/ws/meetings/${meetingId}?token=${token}`;
    const index = await page.evaluate(
      (url) =>
        new Promise((resolve, reject) => {
          globalThis.sockets ??= [];
          const kept = { socket: new WebSocket(url), messages: [], closed: undefined };
          kept.socket.onmessage = ({ data }) => kept.messages.push(JSON.parse(data));
          kept.socket.onopen = () => resolve(globalThis.sockets.push(kept) - 1);
          kept.socket.onerror = () => reject(new Error('no connection'));
          kept.socket.onclose = ({ code, reason }) => {
            kept.closed = { code, reason };
          };
        }),
      url,
    );
    return new RawSocket(page, index);
  }

  constructor(page, index) {
    this.page = page;
    this.index = index;
  }

  send(type, data = {}) {
    const text = JSON.stringify({ type, data });
    return this.page.evaluate(
      ([index, text]) => globalThis.sockets[index].socket.send(text),
      [this.index, text],
    );
  }

  close() {
    return this.page.evaluate((index) => globalThis.sockets[index].socket.close(), this.index);
  }

  messages() {
    return this.page.evaluate((index) => globalThis.sockets[index].messages, this.index);
  }

  /** The first message of that type (that `accepts` takes), heard already or still to come. */
  message(type, accepts = () => true) {
    return until(`message ${type}`, MESSAGE_DEADLINE_MS, async () =>
      (await this.messages()).find((message) => message.type === type && accepts(message.data)),
    );
  }

  /** Code and reason of the end, once it has come. */
  closed() {
    return until('the end of the socket', MESSAGE_DEADLINE_MS, () =>
      this.page.evaluate((index) => globalThis.sockets[index].closed, this.index),
    );
  }

  async join() {
    await this.send('join', { device_info: { device_type: 'desktop' } });
    return this.message('joined');
  }
}
