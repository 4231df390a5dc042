// Engine.IO 4 and Socket.IO 5 as other people's clients and plain HTTP speak them: what is answered, refused and closed, and how.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Socket as Engine } from 'engine.io-client';
import { Plenum } from './harness/plenum.mjs';
import { liveMeeting, login } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';
import { until } from './harness/until.mjs';

const PAYLOAD_MAX = 128 * 1024;
const DEADLINE_MS = 15_000;
const once = (emitter, name) => new Promise((resolve) => emitter.once(name, (...args) => resolve(args)));

describe('the protocol of the sockets', () => {
  let plenum;
  let host;

  before(async () => {
    plenum = await Plenum.start();
    host = await login(plenum, 'host@demo.test');
  });
  after(() => plenum.stop());

  const at = (query) => `${plenum.url}/socket.io/?${query}`;

  /** One request of Engine.IO: status and text. */
  async function http(query, options) {
    const answer = await fetch(at(query), options);
    return { status: answer.status, text: await answer.text() };
  }

  /** A polling session by hand: its id, and what it does. */
  async function polling() {
    const opened = await http('EIO=4&transport=polling');
    assert.equal(opened.status, 200);
    const open = JSON.parse(opened.text.slice(1));
    const query = `EIO=4&transport=polling&sid=${open.sid}`;
    return {
      open,
      query,
      poll: (options) => http(query, options),
      post: (body) => http(query, { method: 'POST', body }),
    };
  }

  async function connectedPolling() {
    const session = await polling();
    await session.post(`40${JSON.stringify({ token: host.token })}`);
    let text = '';
    while (!text.includes('40{')) text += (await session.poll()).text;
    return session;
  }

  test('kcs_ws_01 a session opens with its id, its times, its bound and the way up', async () => {
    const { open } = await polling();
    assert.match(open.sid, /^[0-9a-f]{32}$/);
    assert.deepEqual(
      { ...open, sid: '' },
      {
        sid: '',
        upgrades: ['websocket'],
        pingInterval: 25_000,
        pingTimeout: 60_000,
        maxPayload: PAYLOAD_MAX,
      },
    );
  });

  const refusals = [
    ['EIO=4', 'GET', 0, 'Transport unknown'],
    ['EIO=4&transport=carrier-pigeon', 'GET', 0, 'Transport unknown'],
    ['EIO=4&transport=polling&sid=nobody', 'GET', 1, 'Session ID unknown'],
    ['EIO=4&transport=polling', 'POST', 2, 'Bad handshake method'],
    ['EIO=4&transport=websocket', 'GET', 3, 'Bad request'],
    ['EIO=3&transport=polling', 'GET', 5, 'Unsupported protocol version'],
    ['transport=polling', 'GET', 5, 'Unsupported protocol version'],
  ];
  for (const [query, method, code, message] of refusals) {
    test(`kcs_ws_03 ${method} ?${query} is refused with code ${code}`, async () => {
      const { status, text } = await http(query, { method });
      assert.equal(status, 400);
      assert.deepEqual(JSON.parse(text), { code, message });
    });
  }

  test('kcs_ws_02 two polls at once end the session', async () => {
    const session = await connectedPolling();
    const waiting = session.poll();
    const second = await until('a refused poll', DEADLINE_MS, async () => {
      const answer = await Promise.race([session.poll(), waiting]);
      return answer.status === 400 || answer.text.endsWith('1') ? answer : undefined;
    });
    assert.ok(second);
    await waiting;
    const after = await until('the end', DEADLINE_MS, async () => {
      const answer = await session.poll();
      return answer.status === 400 ? answer : undefined;
    });
    assert.deepEqual(JSON.parse(after.text), { code: 1, message: 'Session ID unknown' });
  });

  test('kcs_ws_02 a poll that is given up loses nothing', async () => {
    const session = await connectedPolling();
    const gone = new AbortController();
    const waiting = session.poll({ signal: gone.signal }).catch((error) => error.name);
    gone.abort();
    assert.equal(await waiting, 'AbortError');
    await session.post('421["leave-meeting",{"meetingId":"nowhere"}]');
    const answered = await until('the answer', DEADLINE_MS, async () => {
      const { text } = await session.poll();
      return text.includes('431[') ? text : undefined;
    });
    assert.match(answered, /431\[\{"success":true\}\]/);
  });

  test('kcs_ws_02 a body beyond the bound is refused, and so is one that is no packet', async () => {
    const large = await polling();
    assert.equal((await large.post(`4${'x'.repeat(PAYLOAD_MAX)}`)).status, 413);
    const wrong = await polling();
    assert.equal((await wrong.post('what is this')).status, 400);
    for (const session of [large, wrong]) {
      await until('the end', DEADLINE_MS, async () => (await session.poll()).status === 400);
    }
  });

  test('kcs_ws_02 several packets come and go in one body', async () => {
    const session = await connectedPolling();
    const leave = (id) => `42${id}["leave-meeting",{"meetingId":"nowhere"}]`;
    assert.equal((await session.post([leave(1), leave(2), leave(3)].join('\x1e'))).text, 'ok');
    let heard = '';
    await until('all answers', DEADLINE_MS, async () => {
      heard += `${(await session.poll()).text}\x1e`;
      return heard.includes('433[');
    });
    assert.deepEqual(
      heard.split('\x1e').filter((packet) => packet.startsWith('43')),
      [1, 2, 3].map((id) => `43${id}[{"success":true}]`),
    );
  });

  /** A WebSocket by hand. */
  function engine(query = {}) {
    return new Engine(plenum.url, { path: '/socket.io/', transports: ['websocket'], query });
  }

  test('kcs_ws_03 whoever asks for another namespace hears that there is none, and the others work on', async () => {
    const socket = engine();
    const heard = [];
    socket.on('message', (text) => heard.push(text));
    await once(socket, 'open');
    socket.send('0/admin,{"token":"x"}');
    socket.send(`0${JSON.stringify({ token: host.token })}`);
    await until('both answers', DEADLINE_MS, () => heard.length >= 2);
    assert.equal(
      heard.find((text) => text.startsWith('4')),
      '4/admin,{"message":"Invalid namespace"}',
    );
    assert.ok(heard.find((text) => text.startsWith('0{')));
    socket.close();
  });

  for (const [what, say] of [
    ['an event before it is connected', (socket) => socket.send('2["raise-hand",{}]')],
    ['what is no packet', (socket) => socket.send('hello')],
    ['a binary message nobody announced', (socket) => socket.send(Buffer.from([1, 2, 3]))],
    ['more than the bound', (socket) => socket.send(`2["x","${'x'.repeat(PAYLOAD_MAX)}"]`)],
  ]) {
    test(`kcs_ws_02 a client that says ${what} is closed`, async () => {
      const socket = engine();
      const closed = once(socket, 'close');
      await once(socket, 'open');
      say(socket);
      assert.equal((await closed)[0], 'transport close');
    });
  }

  test('kcs_ws_04 an event with binary parts is answered like any other, and the socket stays', async () => {
    const { meeting } = await liveMeeting(plenum);
    const socket = await Socket.connect(plenum, host.token);
    await socket.join(meeting.id);
    const answer = await socket.ask('send-message', { meetingId: meeting.id, message: Buffer.from('bytes') });
    assert.equal(answer.success, false);
    assert.equal((await socket.ask('raise-hand', { meetingId: meeting.id, raised: true })).success, true);
    socket.close();
  });

  test('kcs_ws_04 a message just below the bound is read whole', async () => {
    const { meeting } = await liveMeeting(plenum);
    const socket = await Socket.connect(plenum, host.token);
    await socket.join(meeting.id);
    const padding = 'x'.repeat(PAYLOAD_MAX - 1000);
    const answer = await socket.ask('raise-hand', { meetingId: meeting.id, raised: true, padding });
    assert.equal(answer.success, true);
    socket.close();
  });

  test('kcs_ws_09 events keep their order and their number while a client changes from polling to WebSocket', async () => {
    const { meeting } = await liveMeeting(plenum);
    const member = await login(plenum, 'member@demo.test');
    const speaker = await Socket.connect(plenum, host.token);
    await speaker.join(meeting.id);
    const socket = await Socket.connect(plenum, member.token, { transports: ['polling', 'websocket'] });
    await socket.join(meeting.id);
    const rounds = 60;
    for (let round = 0; round < rounds; round += 1) {
      speaker.emit('raise-hand', { meetingId: meeting.id, raised: round % 2 === 0 });
      const asked = await socket.ask('media-status-update', {
        meetingId: meeting.id,
        audio: round % 2 === 0,
      });
      assert.equal(asked.success, true);
    }
    // By then it may long have happened, or be under way.
    await until('the upgrade', DEADLINE_MS, () => socket.io.io.engine.transport.name === 'websocket');
    await until('all hands', DEADLINE_MS, () => socket.seen('hand-raised').length === rounds);
    assert.deepEqual(
      socket.seen('hand-raised').map((hand) => hand.raised),
      Array.from({ length: rounds }, (_, round) => round % 2 === 0),
    );
    socket.close();
    speaker.close();
  });

  test('kcs_ws_02 a second WebSocket on one session is refused, an unknown session too', async () => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const socket = engine();
    await once(socket, 'open');
    const { get } = await import('node:http');
    const status = (query) =>
      new Promise((resolve, reject) => {
        get(at(query), { headers }, (answer) => resolve(answer.statusCode)).on('error', reject);
      });
    assert.equal(await status(`EIO=4&transport=websocket&sid=${socket.id}`), 400);
    assert.equal(await status(`EIO=4&transport=websocket&sid=${'0'.repeat(32)}`), 400);
    socket.close();
  });

  test('kcs_ws_02 a client whose connection breaks comes back on its own as another socket', async () => {
    const socket = await Socket.connect(plenum, host.token, { reconnection: true, reconnectionDelay: 10 });
    const first = socket.io.id;
    const back = once(socket.io, 'connect');
    socket.io.io.engine.close();
    await back;
    assert.notEqual(socket.io.id, first);
    assert.ok(!socket.io.recovered);
    socket.close();
  });

  describe('coming back', () => {
    /** Two people inside; the member's client can resume. */
    async function inside(options = {}) {
      const { meeting } = await liveMeeting(plenum);
      const member = await login(plenum, 'member@demo.test');
      const speaker = await Socket.connect(plenum, host.token);
      await speaker.join(meeting.id);
      const auth = { token: member.token, resume: true };
      const socket = await Socket.connect(plenum, undefined, {
        auth,
        reconnection: true,
        reconnectionDelay: 10,
        ...options,
      });
      const joined = await socket.join(meeting.id);
      return { meeting, speaker, socket, joined };
    }

    for (const [way, transports] of Object.entries({ websocket: ['websocket'], polling: ['polling'] })) {
      test(`add_ev_18_add_ev_19 the stock client over ${way} misses nothing and stays who it was`, async () => {
        const { meeting, speaker, socket, joined } = await inside({ transports });
        await speaker.ask('raise-hand', { meetingId: meeting.id, raised: true });
        await until('the first hand', DEADLINE_MS, () => socket.seen('hand-raised').length === 1);
        // As in a tunnel: the connection is gone without a word.
        const lost = once(socket.io, 'disconnect');
        if (way === 'websocket') socket.io.io.engine.transport.ws.terminate();
        else socket.io.io.engine._onClose('transport error');
        await lost;
        for (const raised of [false, true, false]) {
          await speaker.ask('raise-hand', { meetingId: meeting.id, raised });
        }
        const resumed = await socket.event('resumed');
        assert.equal(socket.io.recovered, true);
        await until('the missed hands', DEADLINE_MS, () => socket.seen('hand-raised').length === 4);
        assert.deepEqual(
          socket.seen('hand-raised').map((hand) => hand.raised),
          [true, false, true, false],
        );
        assert.ok(resumed.events >= 0 && resumed.events <= 3);
        assert.equal((await socket.ask('raise-hand', { meetingId: meeting.id, raised: true })).success, true);
        const own = await speaker.event('hand-raised', (hand) => hand.participantId === joined.participantId);
        assert.equal(own.raised, true);
        assert.deepEqual(speaker.seen('participant-left'), []);
        socket.close();
        const left = await speaker.event('participant-left');
        assert.equal(left.participantId, joined.participantId);
        speaker.close();
      });
    }

    test('add_ev_18 whoever did not ask for it gets neither a pid nor an offset, and is gone at once', async () => {
      const { meeting } = await liveMeeting(plenum);
      const member = await login(plenum, 'member@demo.test');
      const speaker = await Socket.connect(plenum, host.token);
      await speaker.join(meeting.id);
      const socket = await Socket.connect(plenum, member.token);
      const lengths = [];
      socket.io.onAny((...args) => lengths.push(args.length));
      await socket.join(meeting.id);
      assert.ok(lengths.every((length) => length === 2));
      socket.io.io.engine.transport.ws.terminate();
      assert.equal((await speaker.event('participant-left')).reason, 'disconnected');
      speaker.close();
    });

    test("add_ev_18 another account does not come back in this one's place", async () => {
      const { meeting, speaker, socket } = await inside({ reconnection: false });
      const { _pid: pid } = socket.io;
      assert.match(pid, /^[0-9a-f]{32}$/);
      socket.io.io.engine.transport.ws.terminate();
      const second = await login(plenum, 'second@demo.test');
      const thief = await Socket.connect(plenum, undefined, {
        auth: { token: second.token, resume: true, pid },
      });
      assert.notEqual(thief.io._pid, pid);
      assert.deepEqual(thief.seen('resumed'), []);
      const refused = await thief.ask('raise-hand', { meetingId: meeting.id, raised: true });
      assert.equal(refused.success, false);
      thief.close();
      speaker.close();
    });
  });

  test('add_ev_17 at the end of the process every client hears the goodbye', async () => {
    const other = await Plenum.start();
    const someone = await login(other, 'host@demo.test');
    const socket = await Socket.connect(other, someone.token);
    const polled = await Socket.connect(other, someone.token, { transports: ['polling'] });
    const reasons = [once(socket.io, 'disconnect'), once(polled.io, 'disconnect')];
    const stopped = other.stop();
    assert.deepEqual(
      (await Promise.all(reasons)).map(([reason]) => reason),
      ['io server disconnect', 'io server disconnect'],
    );
    await stopped;
    assert.equal(socket.seen('server-draining').length, 1);
  });
});
