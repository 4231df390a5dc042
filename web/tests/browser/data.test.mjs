// Data channels between unmodified clients: what one says by them arrives, of its kind and whole, for those who ask.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { liveMeeting, request } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

describe('data channels', () => {
  const hall = openHall();

  const enter = async (login, meeting) => {
    const person = await hall.person();
    await person.join(hall.plenum, login, meeting.id);
    return person;
  };

  const twoInside = async (invited = ['host', 'member']) => {
    const { meeting, people } = await liveMeeting(hall.plenum, invited);
    return {
      meeting,
      people,
      ada: await enter(people.host, meeting),
      ben: await enter(people.member, meeting),
    };
  };

  /** What `count` messages of a reception were, once they are here. */
  const messages = (person, { dataConsumerId }, count) =>
    until(`${count} messages`, 20_000, async () => {
      const { messages } = await person.call('reception', dataConsumerId);
      return messages.length >= count && messages;
    });

  const ended = (person, { dataConsumerId }) =>
    until('the channel is over', 15_000, async () => (await person.call('reception', dataConsumerId)).closed);

  test('text, bytes, nothing and 200 kB arrive both ways, in order (ADD-EV-85, ADD-EV-86, ADD-EV-89, ADD-EV-92)', async () => {
    const { ada, ben } = await twoInside();
    for (const [from, to] of [
      [ada, ben],
      [ben, ada],
    ]) {
      const channel = await from.call('openChannel', { label: 'notes', protocol: 'plain' });
      const told = await to.event('new-data-producer', { dataProducerId: channel });
      assert.deepEqual([told.participantId, told.label], [from.participantId, 'notes']);
      const reception = await to.call('receiveChannel', channel);
      assert.deepEqual(
        [reception.participantId, reception.label, reception.protocol],
        [from.participantId, 'notes', 'plain'],
      );
      const said = [{ text: 'ahoj ✓' }, { bytes: 3 }, { text: '' }, { bytes: 0 }, { bytes: 200_000 }];
      for (const message of [...said, { text: 'the end' }]) await from.call('say', channel, message);
      assert.deepEqual(await messages(to, reception, 6), [
        { kind: 'text', size: 6, text: 'ahoj ✓' },
        { kind: 'binary', size: 3, intact: true },
        { kind: 'text', size: 0, text: '' },
        { kind: 'binary', size: 0, intact: true },
        { kind: 'binary', size: 200_000, intact: true },
        { kind: 'text', size: 7, text: 'the end' },
      ]);
    }
  });

  test('a channel without order and without repetition carries what is said, beside one with both (ADD-EV-85)', async () => {
    const { ada, ben } = await twoInside();
    const lossy = await ada.call('openChannel', { label: 'pointer', ordered: false, maxRetransmits: 0 });
    const brief = await ada.call('openChannel', { label: 'brief', ordered: false, maxPacketLifeTime: 500 });
    const sure = await ada.call('openChannel', { label: 'sure' });
    const [pointer, short, notes] = [
      await ben.call('receiveChannel', lossy),
      await ben.call('receiveChannel', brief),
      await ben.call('receiveChannel', sure),
    ];
    assert.deepEqual(
      [pointer, short, notes].map(({ sctpStreamParameters: { streamId, ...rest } }) => rest),
      [{ ordered: false, maxRetransmits: 0 }, { ordered: false, maxPacketLifeTime: 500 }, { ordered: true }],
    );
    for (let index = 0; index < 20; index++) {
      for (const channel of [lossy, brief, sure]) await ada.call('say', channel, { text: `${index}` });
    }
    const expected = Array.from({ length: 20 }, (_, index) => `${index}`);
    assert.deepEqual(
      (await messages(ben, notes, 20)).map(({ text }) => text),
      expected,
    );
    // Nothing is lost on loopback, and nobody promised an order.
    for (const reception of [pointer, short]) {
      const texts = (await messages(ben, reception, 20)).map(({ text }) => text);
      assert.deepEqual(new Set(texts), new Set(expected));
    }
  });

  test('whoever comes later finds the channels that are open, and two receive the same (ADD-EV-86, ADD-EV-93)', async () => {
    const { meeting, people, ada, ben } = await twoInside(['host', 'member', 'second']);
    const channel = await ada.call('openChannel', { label: 'board' });
    const early = await ben.call('receiveChannel', channel);
    const cleo = await enter(people.second, meeting);
    const listed = cleo.joined.participants.find(({ participantId }) => participantId === ada.participantId);
    assert.deepEqual(listed.dataProducers, [{ dataProducerId: channel, label: 'board', protocol: '' }]);
    const late = await cleo.call('receiveChannel', channel);
    await ada.call('say', channel, { text: 'for both' });
    for (const [person, reception] of [
      [ben, early],
      [cleo, late],
    ]) {
      assert.equal((await messages(person, reception, 1))[0].text, 'for both');
    }
  });

  test('a channel ends for everybody when its owner closes it, or leaves (ADD-EV-87, ADD-EV-90)', async () => {
    const { ada, ben } = await twoInside();
    const first = await ada.call('openChannel', { label: 'first' });
    const second = await ada.call('openChannel', { label: 'second' });
    const third = await ada.call('openChannel', { label: 'third' });
    const receptions = [];
    for (const channel of [first, second, third]) receptions.push(await ben.call('receiveChannel', channel));
    await ada.call('say', second, { text: 'so long' });
    await messages(ben, receptions[1], 1);
    // In the browser alone, and before anything was said: the server notices.
    await ada.call('closeChannel', first);
    await ben.event('data-producer-closed', { dataProducerId: first, participantId: ada.participantId });
    await ended(ben, receptions[0]);
    const asked = await ada.call('ask', 'close-data-producer', { dataProducerId: second });
    assert.equal(asked.success, true, JSON.stringify(asked));
    await ben.event('data-producer-closed', { dataProducerId: second });
    await ended(ben, receptions[1]);
    await ada.call('leave');
    await ben.event('participant-left', { participantId: ada.participantId });
    await ended(ben, receptions[2]);
  });

  test('a receiver ends its own subscription, by request or by closing the channel (ADD-EV-88, ADD-EV-91)', async () => {
    const { ada, ben } = await twoInside();
    const channel = await ada.call('openChannel', { label: 'notes' });
    const asked = await ben.call('receiveChannel', channel);
    const { dataConsumerId } = asked;
    const answer = await ben.call('ask', 'close-data-consumer', { dataConsumerId });
    assert.equal(answer.success, true, JSON.stringify(answer));
    await ended(ben, asked);
    const closed = await ben.call('receiveChannel', channel);
    await ben.call('closeReception', closed.dataConsumerId);
    await ben.event('data-consumer-closed', { dataConsumerId: closed.dataConsumerId, reason: 'closed' });
    const kept = await ben.call('receiveChannel', channel);
    await ada.call('say', channel, { text: 'still there?' });
    assert.equal((await messages(ben, kept, 1))[0].text, 'still there?');
  });

  test('whoever may not chat opens none and loses what he has, and still receives (ADD-EV-85, ADD-EV-90)', async () => {
    const { meeting, people, ada, ben } = await twoInside();
    const own = await ben.call('openChannel', { label: 'notes' });
    const received = await ada.call('receiveChannel', own);
    const policy = `/api/v1/meetings/${meeting.id}/security/policy`;
    const set = await request(hall.plenum, 'POST', policy, {
      token: people.host.token,
      body: { chat_permissions: 'host' },
    });
    assert.equal(set.status, 200, JSON.stringify(set.body));
    await ada.event('data-producer-closed', { dataProducerId: own });
    await ended(ada, received);
    await assert.rejects(ben.call('openChannel', { label: 'again' }), /produce-data: Access denied/);
    const channel = await ada.call('openChannel', { label: 'from the host' });
    const reception = await ben.call('receiveChannel', channel);
    await ada.call('say', channel, { text: 'listen' });
    assert.equal((await messages(ben, reception, 1))[0].text, 'listen');
  });

  test('a message stays in its breakout room, and all hear each other again when they are back (C-61, ADD-EV-89, ADD-EV-90)', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum, ['host', 'member', 'second']);
    const ada = await enter(people.host, meeting);
    const ben = await enter(people.member, meeting);
    const cleo = await enter(people.second, meeting);
    const rooms = `/api/v1/meetings/${meeting.id}/breakout-rooms`;
    const ask = async (method, path, body) => {
      const answer = await request(hall.plenum, method, path, { token: people.host.token, body });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.data;
    };
    const texts = async (person, reception, count) =>
      (await messages(person, reception, count)).map(({ text }) => text);
    const ofAda = await ada.call('openChannel', { label: 'notes' });
    const whole = await ben.call('receiveChannel', ofAda);
    await ada.call('say', ofAda, { text: 'to all' });
    assert.deepEqual(await texts(ben, whole, 1), ['to all']);

    const [{ room_id: room }] = await ask('POST', rooms, { room_count: 2 });
    for (const name of ['member', 'second']) {
      const whom = { participant_user_id: people[name].user.id, breakout_room_id: room };
      await ask('POST', `${rooms}/assign`, whom);
    }
    await ben.event('data-producer-closed', { dataProducerId: ofAda });
    await ended(ben, whole);
    const ofBen = await ben.call('openChannel', { label: 'notes' });
    await cleo.event('new-data-producer', { dataProducerId: ofBen });
    const aside = await cleo.call('receiveChannel', ofBen);
    await ada.call('say', ofAda, { text: 'to nobody' });
    await ben.call('say', ofBen, { text: 'between us' });
    assert.deepEqual(await texts(cleo, aside, 1), ['between us']);
    assert.equal(await ada.eventCount('new-data-producer'), 0);
    for (const [outside, channel] of [
      [ada, ofBen],
      [ben, ofAda],
    ]) {
      await assert.rejects(outside.call('receiveChannel', channel), /Producer not found/);
    }

    await ask('DELETE', rooms);
    await ada.event('new-data-producer', { dataProducerId: ofBen });
    await until(
      'ben hears of it again',
      10_000,
      async () => (await ben.eventCount('new-data-producer')) === 2,
    );
    const [back, met] = [await ben.call('receiveChannel', ofAda), await ada.call('receiveChannel', ofBen)];
    await ada.call('say', ofAda, { text: 'to all again' });
    await ben.call('say', ofBen, { text: 'to all as well' });
    assert.deepEqual(await texts(ben, back, 1), ['to all again']);
    assert.deepEqual(await texts(ada, met, 1), ['to all as well']);
    // Whoever stayed together heard everything; whoever was apart nothing of it.
    assert.deepEqual(await texts(cleo, aside, 2), ['between us', 'to all as well']);
    assert.deepEqual(await texts(ben, whole, 1), ['to all']);
  });

  test('two of our own clients and an unmodified one hear what each says under a label (ADD-EV-85, ADD-EV-86, ADD-EV-93)', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum, ['host', 'member', 'second']);
    const ada = await enter(people.host, meeting);
    const theirs = await ada.call('openChannel', { label: 'notes' });
    const visit = async (name) => {
      const visitor = await hall.visitor(name);
      await visitor.open(`${hall.plenum.url}/m/${meeting.id}`);
      await visitor.enter();
      await visitor.page.evaluate(() => {
        window.heard = [];
        window.plenum.onData('notes', ({ content }) => window.heard.push(content));
      });
      return visitor;
    };
    const ben = await visit('member');
    const cleo = await visit('second');
    const says = (visitor, words) =>
      visitor.page.evaluate((text) => window.plenum.sendData('notes', text), words);
    // What is said before a listener's end is open is not kept: it is said again until it is heard.
    const hears = (visitor, words, say) =>
      until(`${words} is heard`, 20_000, async () => {
        await say();
        return visitor.page.evaluate((wanted) => window.heard.includes(wanted), words);
      });
    for (const visitor of [ben, cleo]) {
      await hears(visitor, 'from theirs', () => ada.call('say', theirs, { text: 'from theirs' }));
    }
    await hears(cleo, 'from ben', () => says(ben, 'from ben'));
    await hears(ben, 'from cleo', () => says(cleo, 'from cleo'));
    const { dataProducerId } = await ada.event('new-data-producer', { label: 'notes' });
    const reception = await ada.call('receiveChannel', dataProducerId);
    await says(ben, 'to the foreigner');
    const [first] = await messages(ada, reception, 1);
    assert.deepEqual(first, { kind: 'text', size: 16, text: 'to the foreigner' });
    // A label for each of twenty things, one after the other; more than 16 at a time are refused.
    await ben.page.evaluate(async () => {
      for (let thing = 0; thing < 20; thing++) {
        await window.plenum.sendData(`thing ${thing}`, 'x');
        await window.plenum.closeData(`thing ${thing}`);
      }
    });
  });
});
