// Seed 002 driven from Node by socket.io-client alone: its verification script, its five scenarios, and what it asks of each event.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Plenum } from './harness/plenum.mjs';
import { liveMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

describe('seed 002, joining a meeting', () => {
  let plenum;
  let sockets = [];

  before(async () => {
    plenum = await Plenum.start();
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
    sockets = [];
  });
  after(() => plenum.stop());

  const connect = async (person) => {
    const socket = await Socket.connect(plenum, person.token);
    sockets.push(socket);
    return socket;
  };
  /** Connects and joins as the documents' front end does. */
  const enter = async (person, meeting) => {
    const socket = await connect(person);
    const joined = await socket.join(meeting.id, { userId: person.user.id, userName: person.user.name });
    return { socket, joined, id: joined.participantId };
  };

  test('jf_01_jf_02_jf_03 the verification script prints what it expects', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const lines = [];
    const one = await connect(people.host);
    lines.push('User 1 connected');
    one.io.on('participant-joined', ({ userName }) => lines.push(`User 1 sees new participant: ${userName}`));
    const first = await one.join(meeting.id, { userId: people.host.user.id, userName: 'User One' });
    lines.push('User 1 joined meeting:', `- Existing participants: ${first.participants.length}`);
    const two = await connect(people.member);
    lines.push('User 2 connected');
    const second = await two.join(meeting.id, { userId: people.member.user.id, userName: 'User Two' });
    lines.push('User 2 joined meeting:', `- Existing participants: ${second.participants.length}`);
    await one.event('participant-joined');

    assert.deepEqual(
      lines.filter((line) => !line.startsWith('User 1 sees')),
      [
        'User 1 connected',
        'User 1 joined meeting:',
        '- Existing participants: 0',
        'User 2 connected',
        'User 2 joined meeting:',
        '- Existing participants: 1',
      ],
    );
    assert.ok(lines.includes('User 1 sees new participant: User Two'));
    assert.equal(second.participants[0].participantId, first.participantId);
    assert.equal(second.participants[0].userName, 'User One');
  });

  test('rt_07_jf_02 scenario 1: a single user joins and gets an empty list', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const { socket, joined } = await enter(people.host, meeting);

    assert.equal(joined.success, true);
    assert.deepEqual(joined.participants, []);
    assert.equal(joined.meeting.id, meeting.id);
    assert.equal(joined.meeting.meeting_name, meeting.meeting_name);
    assert.equal(joined.meeting.meeting_status, 'live');
    assert.equal(joined.meeting.creator_id, people.host.user.id);
    assert.equal(typeof joined.webrtcConfig, 'object');
    assert.deepEqual(socket.seen('error'), []);
  });

  test('rt_07_jf_03_rt_02_rt_03 scenario 2: a second user sees the first and is announced', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const host = await enter(people.host, meeting);
    const member = await enter(people.member, meeting);

    const [present] = member.joined.participants;
    assert.equal(member.joined.participants.length, 1);
    assert.equal(present.participantId, host.id);
    assert.equal(present.userId, people.host.user.id);
    assert.equal(present.userName, people.host.user.name);
    assert.deepEqual([present.audio, present.video, present.screen], [true, true, false]);

    const announced = await host.socket.event('participant-joined');
    assert.equal(announced.participantId, member.id);
    assert.equal(announced.userId, people.member.user.id);
    assert.equal(announced.userName, people.member.user.name);
    assert.deepEqual([announced.audio, announced.video, announced.screen], [true, true, false]);
    assert.equal(announced.permissions.canShare, true);
    assert.equal(announced.permissions.canChat, true);
    assert.notEqual(host.id, member.id);

    // The joiner hears nothing of its own arrival, even after the room has moved on.
    await member.socket.settled(meeting.id);
    assert.deepEqual(member.socket.seen('participant-joined'), []);
  });

  test('rt_07_jf_01 scenario 3: a third user sees both and both hear of it', async () => {
    const { meeting, people } = await liveMeeting(plenum, ['host', 'member', 'second']);
    const host = await enter(people.host, meeting);
    const member = await enter(people.member, meeting);
    const third = await enter(people.second, meeting);

    assert.deepEqual(
      third.joined.participants.map((one) => one.participantId).sort(),
      [host.id, member.id].sort(),
    );
    for (const { socket } of [host, member]) {
      await socket.event('participant-joined', (payload) => payload.participantId === third.id);
    }
    assert.equal(new Set([host.id, member.id, third.id]).size, 3);
  });

  test('rt_07_jf_04_jf_05_rt_01 scenario 4: leaving and rejoining gives a new participantId and no duplicate', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const host = await enter(people.host, meeting);
    const member = await enter(people.member, meeting);
    member.socket.emit('leave-meeting', { meetingId: meeting.id });
    const left = await host.socket.event('participant-left');
    assert.deepEqual(
      { participantId: left.participantId, userName: left.userName, reason: left.reason },
      { participantId: member.id, userName: people.member.user.name, reason: 'left' },
    );

    const again = await member.socket.join(meeting.id, {
      userId: people.member.user.id,
      userName: 'Back again',
    });
    assert.notEqual(again.participantId, member.id);
    assert.notEqual(again.participantId, people.member.user.id);
    assert.deepEqual(
      again.participants.map((one) => one.participantId),
      [host.id],
    );
    await host.socket.event('participant-joined', (payload) => payload.participantId === again.participantId);

    const third = await enter(people.host, meeting);
    const ofMember = third.joined.participants.filter((one) => one.userId === people.member.user.id);
    assert.deepEqual(
      ofMember.map((one) => one.participantId),
      [again.participantId],
    );
  });

  test('rt_07_jf_06_rt_04_rt_08 scenario 5: a lost connection is a participant-left and nobody stays as a ghost', async () => {
    const { meeting, people } = await liveMeeting(plenum, ['host', 'member', 'second']);
    const host = await enter(people.host, meeting);
    const member = await enter(people.member, meeting);
    member.socket.io.io.engine.close();

    const left = await host.socket.event('participant-left');
    assert.equal(left.participantId, member.id);
    assert.equal(left.reason, 'disconnected');
    const third = await enter(people.second, meeting);
    assert.deepEqual(
      third.joined.participants.map((one) => one.participantId),
      [host.id],
    );
  });

  test('jf_01_auth_04 the name comes from the payload, the identity never', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const host = await enter(people.host, meeting);
    const socket = await connect(people.member);
    await socket.join(meeting.id, { userId: people.host.user.id, userName: 'Someone Else' });

    const announced = await host.socket.event('participant-joined');
    assert.equal(announced.userName, 'Someone Else');
    assert.equal(announced.userId, people.member.user.id);
    assert.equal(announced.permissions.canRecord, false);
  });

  test('jf_01_kcs_ws_04_rt_15 an unknown meeting is refused by name and the socket stays', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const socket = await connect(people.member);
    const answer = await socket.ask('join-meeting', { meetingId: 'test-meeting-123' });
    assert.equal(answer.success, false);
    assert.equal(answer.message, 'Meeting not found');
    assert.equal((await socket.event('error')).message, 'Meeting not found');
    assert.ok(socket.io.connected);

    const wrong = await liveMeeting(plenum, ['host', 'member'], { meeting_password: 'open sesame' });
    const refused = await socket.ask('join-meeting', {
      meetingId: wrong.meeting.id,
      meeting_password: 'open window',
    });
    assert.equal(refused.message, 'Invalid meeting password');
    const joined = await socket.ask('join-meeting', { meetingId: meeting.id });
    assert.equal(joined.success, true);
  });
});
