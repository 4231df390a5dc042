// What a meeting is for: people see and hear each other. Foreign clients (unmodified npm packages) in real Chromium.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { endMeeting, liveMeeting } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

describe('media between foreign clients', () => {
  const hall = openHall();

  /** Opens a page for one person and enters the meeting. */
  const enter = async (login, meeting, publishing = {}) => {
    const person = await hall.person();
    await person.join(hall.plenum, login, meeting.id);
    if (publishing) await person.publish(publishing);
    return person;
  };

  /** A live meeting with host and member inside, both sending microphone and camera. */
  const twoInside = async ({ invited = ['host', 'member'], host = {}, member = {} } = {}) => {
    const { meeting, people } = await liveMeeting(hall.plenum, invited);
    const ada = await enter(people.host, meeting, host);
    const ben = await enter(people.member, meeting, member);
    return { meeting, people, ada, ben };
  };

  test('two people see and hear each other (KCS-WS-44, KCS-WS-45, KCS-WS-46, KCS-WS-47, KCS-WS-50, KCS-WS-51, KCS-WS-52, KCS-WS-53, MEDIA-06, SYS-02, ADD-EV-05)', async () => {
    const { ada, ben } = await twoInside();
    await Promise.all([
      ada.sees(ben.participantId),
      ben.sees(ada.participantId),
      ada.hears(ben.participantId),
      ben.hears(ada.participantId),
    ]);
    const said = new Set((await ada.call('events')).map(({ name }) => name));
    for (const name of ['transport-created', 'transport-connected', 'produced', 'consumed', 'new-producer']) {
      assert.ok(said.has(name), `${name} was never sent`);
    }
    for (const one of [...(await ada.receiving()), ...(await ben.receiving())])
      assert.equal(one.packetsLost, 0);
  });

  test('a third person joins late and sees both within two seconds (KCS-WS-14)', async () => {
    const { meeting, people, ada, ben } = await twoInside({ invited: ['host', 'member', 'second'] });
    await ada.sees(ben.participantId);
    await ben.sees(ada.participantId);

    const late = await enter(people.second, meeting, false);
    assert.equal(late.joined.participants.length, 2);
    const pictures = await until('pictures of both', 10_000, async () => {
      const shown = (await late.receiving({ kind: 'video' })).filter((one) => one.firstFrameMs !== undefined);
      return shown.length === 2 && shown;
    });
    const after = pictures.map((one) => Math.round(one.firstFrameMs));
    assert.ok(Math.max(...after) <= 2000, `first pictures ${after} ms after join-meeting`);
    await late.hears(ada.participantId);
    await late.hears(ben.participantId);
  });

  test('muting stops the sound for the others and unmuting brings it back (KCS-WS-11, KCS-WS-17)', async () => {
    const { ada, ben } = await twoInside();
    const from = ben.participantId;
    await ada.hears(from);
    await ada.sees(from);

    await ben.call('emit', 'media-status-update', { audio: false });
    const muted = await ada.event('participant-media-updated', { participantId: from, audio: false });
    assert.deepEqual([muted.video, muted.screen, muted.screenSharing], [true, false, false]);
    await ada.standsStill({ kind: 'audio', from }, 'packetsReceived', { kind: 'video', from });

    await ben.call('emit', 'media-status-update', { audio: true });
    await ada.event('participant-media-updated', { participantId: from, audio: true });
    await ada.hears(from);
  });

  test('a producer is paused, resumed and closed by its owner, and the room hears of it (ADD-EV-16, ADD-EV-06)', async () => {
    const { ada, ben } = await twoInside();
    const from = ben.participantId;
    await ada.sees(from);
    await ada.hears(from);
    const [{ producerId }] = await ada.receiving({ kind: 'audio', from });

    await ben.call('request', 'pause-producer', { producerId }, 'producer-paused');
    await ada.event('producer-paused', { producerId, participantId: from, kind: 'audio' });
    await ada.standsStill({ kind: 'audio', from }, 'packetsReceived', { kind: 'video', from });
    await ben.call('request', 'resume-producer', { producerId }, 'producer-resumed');
    await ada.event('producer-resumed', { producerId, participantId: from, kind: 'audio' });
    await ada.hears(from);

    const refused = await ada.call('ask', 'close-producer', { producerId });
    assert.equal(refused.success, false, "somebody else's producer cannot be closed");
    await ben.call('stopProducing', 'microphone');
    await ada.event('producer-closed', { producerId, participantId: from, kind: 'audio' });
    assert.deepEqual(await ada.receiving({ kind: 'audio', from }), []);
    await ada.sees(from);
  });

  test('a consumer is paused and resumed by who receives (KCS-WS-48, KCS-WS-49, KCS-WS-54, KCS-WS-55)', async () => {
    const { ada, ben } = await twoInside();
    const from = ben.participantId;
    await ada.sees(from);
    await ada.hears(from);
    const [{ consumerId }] = await ada.receiving({ kind: 'audio', from });

    assert.deepEqual(await ada.call('request', 'pause-consumer', { consumerId }, 'consumer-paused'), {
      consumerId,
    });
    await ada.standsStill({ kind: 'audio', from }, 'packetsReceived', { kind: 'video', from });
    assert.deepEqual(await ada.call('request', 'resume-consumer', { consumerId }, 'consumer-resumed'), {
      consumerId,
    });
    await ada.hears(from);
    const again = await ada.call('ask', 'resume-consumer', { consumerId });
    assert.equal(again.success, true, 'resuming a running consumer succeeds');
    const foreign = await ben.call('ask', 'pause-consumer', { consumerId });
    assert.equal(foreign.success, false, "somebody else's consumer is not ours to pause");
  });

  test('a shared screen is seen beside the camera and goes without it (KCS-WS-46, KCS-WS-47, ADD-EV-06)', async () => {
    const { ada, ben } = await twoInside();
    const from = ben.participantId;
    await ada.sees(from);
    const screen = await ben.call('shareScreen');
    await ben.call('emit', 'media-status-update', { screenSharing: true });
    await ada.event('new-producer', { producerId: screen, source: 'screen', participantId: from });
    await ada.event('participant-media-updated', { participantId: from, screen: true });
    await Promise.all([
      ada.sees(from, { source: 'screen', frames: 2 }),
      ada.sees(from, { source: 'camera' }),
    ]);

    await ben.call('stopProducing', 'screen');
    await ada.event('producer-closed', { producerId: screen });
    assert.deepEqual(await ada.receiving({ source: 'screen' }), []);
    await ada.sees(from);
  });

  test('who leaves and comes back is another participant and is seen again (KCS-WS-06, KCS-WS-16, RT-01)', async () => {
    const { people, ada, ben } = await twoInside();
    const before = ben.participantId;
    await ada.sees(before);
    await ben.call('leave');
    const left = await ada.event('participant-left', { participantId: before });
    assert.equal(left.reason, 'left');
    assert.deepEqual(await ada.receiving(), []);

    ben.joined = await ben.call('rejoin', { user: people.member.user });
    assert.notEqual(ben.participantId, before);
    await ben.publish();
    await Promise.all([
      ada.sees(ben.participantId),
      ada.hears(ben.participantId),
      ben.sees(ada.participantId),
    ]);
  });

  test('a tab closed without a goodbye is gone for the others (KCS-WS-02, KCS-WS-16)', async () => {
    const { meeting, people, ada, ben } = await twoInside({ invited: ['host', 'member', 'second'] });
    await ada.sees(ben.participantId);
    await ben.page.close({ runBeforeUnload: false });
    const left = await ada.event('participant-left', { participantId: ben.participantId });
    assert.equal(left.reason, 'disconnected');
    assert.deepEqual(await ada.receiving(), []);
    const late = await enter(people.second, meeting, false);
    assert.deepEqual(
      late.joined.participants.map((one) => one.participantId),
      [ada.participantId],
    );
  });

  test('the host ends the meeting and all are out (KCS-08, CLS-WS-10, LIFE-04)', async () => {
    const { meeting, people, ada, ben } = await twoInside();
    await ada.sees(ben.participantId);
    await endMeeting(hall.plenum, people.host, meeting.id);
    for (const one of [ada, ben]) {
      const ended = await one.event('meeting-ended');
      assert.deepEqual([ended.meetingId, ended.reason], [meeting.id, 'host']);
      assert.equal(await one.call('connected'), true, 'the socket stays for other things');
      assert.equal(await one.eventCount('participant-left'), 0);
    }
    const refused = await ben.call('ask', 'create-transport', { direction: 'send' });
    assert.equal(refused.success, false);
    const back = await ben.call('ask', 'join-meeting', {});
    assert.deepEqual([back.success, back.message], [false, 'Meeting has ended']);
  });

  test('the one who speaks is marked for everybody, and nobody when all are silent (ADD-EV-11)', async () => {
    const { meeting, ada, ben } = await twoInside({ member: { audio: false } });
    for (const one of [ada, ben]) {
      const speaker = await one.event('active-speaker', { participantId: ada.participantId });
      assert.equal(speaker.meetingId, meeting.id);
    }
    assert.equal(
      await ada.call('findEvent', 'active-speaker', { participantId: ben.participantId }),
      undefined,
    );
    await ada.call('emit', 'media-status-update', { audio: false });
    await ben.event('active-speaker', { participantId: null });
  });

  test('everybody learns how good a connection is (ADD-EV-12)', async () => {
    const { meeting, ada, ben } = await twoInside();
    await ada.sees(ben.participantId);
    const report = await ada.event('connection-quality', { participantId: ben.participantId }, 30_000);
    assert.equal(report.meetingId, meeting.id);
    assert.ok(['excellent', 'good', 'fair', 'poor'].includes(report.quality), report.quality);
  });
});
