// What people notice when a process dies: as little as possible. Foreign clients in real Chromium, processes killed for real.
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { alive } from './harness/plenum.mjs';
import { liveMeeting, login } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

describe('processes that die', () => {
  const hall = openHall();
  let plenum;

  before(() => {
    plenum = hall.plenum;
  });

  const twoInside = async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const [ada, ben] = await Promise.all(
      [people.host, people.member].map(async (login) => {
        const person = await hall.person();
        await person.join(plenum, login, meeting.id);
        await person.publish();
        return person;
      }),
    );
    await seeEachOther(ada, ben);
    return { meeting, people, ada, ben };
  };

  const seeEachOther = (ada, ben) =>
    Promise.all([
      ada.sees(ben.participantId),
      ben.sees(ada.participantId),
      ada.hears(ben.participantId),
      ben.hears(ada.participantId),
    ]);

  test('media goes on while control is dead, and clients come back when it returns (RT-15)', async () => {
    const { people, ada, ben } = await twoInside();
    const node = plenum.sfuPid;
    await plenum.kill('SIGKILL');
    await Promise.all([ada, ben].map((one) => one.event('disconnect')));
    // Control is gone for all of this: two seconds of pictures both ways, and sound.
    await Promise.all([
      ada.sees(ben.participantId, { frames: 30 }),
      ben.sees(ada.participantId, { frames: 30 }),
      ada.hears(ben.participantId),
    ]);
    assert.ok(alive(node), 'the media node lives on');

    await plenum.launch();
    assert.equal(plenum.sfuPid, node, 'the node is adopted, not replaced');
    for (const [one, who] of [
      [ada, people.host],
      [ben, people.member],
    ]) {
      await until('the socket is back', 20_000, () => one.call('connected'));
      one.joined = await one.call('rejoin', { user: who.user });
      await one.publish();
    }
    await seeEachOther(ada, ben);
    const present = (await login(plenum, 'host@demo.test')).user;
    assert.equal(present.id, people.host.user.id, 'the database is the same');
  });

  test('after the media node is killed the meeting has media again, without reloading the page (ADD-EV-13)', async () => {
    const { meeting, ada, ben } = await twoInside();
    const node = plenum.sfuPid;
    process.kill(node, 'SIGKILL');
    for (const one of [ada, ben]) assert.equal((await one.event('media-reset')).meetingId, meeting.id);
    await plenum.ready();
    assert.notEqual(plenum.sfuPid, node);
    for (const one of [ada, ben]) {
      await one.call('renewMedia');
      await one.publish();
    }
    await seeEachOther(ada, ben);
    for (const one of [ada, ben])
      assert.equal(await one.eventCount('disconnect'), 0, 'the socket never broke');
  });

  test('SIGTERM tells the clients, closes the database and leaves nothing running (ADD-EV-17)', async () => {
    const { ada, ben } = await twoInside();
    const node = plenum.sfuPid;
    const control = plenum.pid;
    const exit = plenum.kill('SIGTERM');
    for (const one of [ada, ben]) {
      const told = await one.event('server-draining');
      assert.ok(Number.isInteger(told.reconnectAfterMs) && told.reconnectAfterMs >= 0);
      await one.event('disconnect');
    }
    assert.deepEqual(await exit, { code: 0, signal: null });
    assert.equal(alive(control), false);
    assert.equal(alive(node), false);
    const wal = join(plenum.dataDir, 'plenum.db-wal');
    assert.ok(
      !existsSync(wal) || statSync(wal).size === 0,
      'the write-ahead log was not folded into the database',
    );

    await plenum.launch();
    await login(plenum, 'host@demo.test');
  });

  test('SIGTERM to a control that adopted its node still leaves nothing running', async () => {
    const node = plenum.sfuPid;
    await plenum.kill('SIGKILL');
    await plenum.launch();
    assert.equal(plenum.sfuPid, node);
    assert.deepEqual(await plenum.kill('SIGTERM'), { code: 0, signal: null });
    await until('the adopted node is gone', 10_000, () => !alive(node));
  });
});
