// Breakout rooms: who is in another room is neither seen nor heard, and coming back needs nothing new. Unmodified clients, and ours.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { liveMeeting, request } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

/** Pictures of somebody near, as the clock of what should have stood still meanwhile. */
const TICKS = 20;

describe('breakout rooms', () => {
  const hall = openHall();

  const enter = async (login, meeting) => {
    const person = await hall.person();
    await person.join(hall.plenum, login, meeting.id);
    await person.publish();
    return person;
  };

  /** Resolves when each sees and hears each other, and nobody else is received. */
  const together = async (...people) => {
    for (const one of people) {
      const others = people.filter((other) => other !== one).map(({ participantId }) => participantId);
      for (const other of others) {
        await one.sees(other);
        await one.hears(other);
      }
      const from = new Set((await one.receiving()).map(({ participantId }) => participantId));
      assert.deepEqual([...from].sort(), others.sort());
    }
  };

  /** Bytes that reach somebody while `clock` decodes so many pictures of `from`. */
  const bytesMeanwhile = async (person, clock, from) => {
    const begun = await person.bytesReceived();
    await clock.sees(from, { frames: TICKS });
    return (await person.bytesReceived()) - begun;
  };

  test('v1_10_v1_11_c_61_add_27_add_29 two in a room see and hear each other only, nothing reaches the third, and all come back over the same transports', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum, ['host', 'member', 'second']);
    const ada = await enter(people.host, meeting);
    const ben = await enter(people.member, meeting);
    const cleo = await enter(people.second, meeting);
    await together(ada, ben, cleo);
    const whole = await bytesMeanwhile(ada, ben, cleo.participantId);

    const rooms = `/api/v1/meetings/${meeting.id}/breakout-rooms`;
    const ask = (method, path, body) =>
      request(hall.plenum, method, path, { token: people.host.token, body });
    const opened = await ask('POST', rooms, { room_count: 2 });
    assert.equal(opened.status, 200, JSON.stringify(opened.body));
    const [{ room_id: room }] = opened.body.data;
    for (const name of ['member', 'second']) {
      const whom = { participant_user_id: people[name].user.id, breakout_room_id: room };
      const moved = await ask('POST', `${rooms}/assign`, whom);
      assert.equal(moved.status, 200, JSON.stringify(moved.body));
    }
    for (const one of [ben, cleo]) await one.event('breakout-assigned', { participantId: one.participantId });

    await until('nobody is received by the host', 10_000, async () => (await ada.receiving()).length === 0);
    await together(ben, cleo);
    const apart = await bytesMeanwhile(ada, ben, cleo.participantId);
    assert.ok(apart < whole / 10, `${apart} bytes reached the host, ${whole} while all were together`);

    const [producer] = (await ada.call('events')).filter(
      ({ name, payload }) => name === 'new-producer' && payload.participantId === ben.participantId,
    );
    const refused = await ada.call('ask', 'consume', {
      producerParticipantId: ben.participantId,
      producerId: producer.payload.producerId,
      kind: producer.payload.kind,
      rtpCapabilities: ada.joined.webrtcConfig.router_capabilities,
    });
    assert.deepEqual([refused.success, refused.message], [false, 'Producer not found']);

    // Somebody who comes back finds the room that he was in, and whoever comes anew the others.
    const back = await ask('POST', `${rooms}/return`, { participant_user_id: people.second.user.id });
    assert.equal(back.status, 200, JSON.stringify(back.body));
    await together(ada, cleo);
    await until('nobody is received alone', 10_000, async () => (await ben.receiving()).length === 0);

    assert.equal((await ask('DELETE', rooms)).status, 200);
    await together(ada, ben, cleo);
    for (const one of [ada, ben, cleo]) assert.equal(await one.eventCount('transport-created'), 2);
  });

  test('add_ev_50_add_ev_55_add_ev_56 the web client opens, joins, leaves and closes rooms by what is on its buttons', async () => {
    const [ada, ben, cleo] = await Promise.all(
      ['host', 'member', 'second'].map((name) => hall.visitor(name)),
    );
    const link = await ada.createMeeting('Workshop', ['member@demo.test', 'second@demo.test']);
    await ada.enter();
    for (const one of [ben, cleo]) {
      await one.open(link);
      await one.enter();
    }
    const all = [ada, ben, cleo];
    const allTogether = () =>
      Promise.all(
        all.flatMap((one) => all.filter((other) => other !== one).map(({ name }) => one.sees(name))),
      );
    await allTogether();
    const connections = await Promise.all(
      all.map((one) => one.page.evaluate(() => window.peerConnections.length)),
    );

    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Breakout rooms' }).click();
    await ada.page.getByLabel('How many rooms').fill('1');
    await ada.page.getByLabel('People may choose their room').check();
    await ada.button('Open rooms').click();
    for (const one of [ben, cleo])
      await one.page.getByTestId('breakout-mark').getByText('Breakout Room 1').waitFor();
    await Promise.all([ben.sees(cleo.name), cleo.sees(ben.name), ben.hears(), cleo.hears()]);
    for (const one of [ben, cleo]) await ada.tile(one.name).waitFor({ state: 'detached' });
    for (const one of [ben, cleo]) await one.tile(ada.name).waitFor({ state: 'detached' });

    await ada.page.getByLabel('Message to all rooms').fill('Two minutes left');
    await ada.page.keyboard.press('Enter');
    await ben.page.getByText(`${ada.name} to all rooms: Two minutes left`).first().waitFor();

    await cleo.page.getByTestId('breakout-mark').getByRole('button', { name: 'Return' }).click();
    await Promise.all([ada.sees(cleo.name), cleo.sees(ada.name)]);
    await ben.tile(cleo.name).waitFor({ state: 'detached' });

    await ada.button('Join Breakout Room 1').click();
    await Promise.all([ada.sees(ben.name), ben.sees(ada.name)]);
    await ada.button('Close rooms').click();
    await allTogether();
    for (const one of all) await one.page.getByTestId('breakout-mark').waitFor({ state: 'detached' });
    const now = await Promise.all(all.map((one) => one.page.evaluate(() => window.peerConnections.length)));
    assert.deepEqual(now, connections, 'no connection was made anew');
  });
});
