// The event stream: what is heard, and what happens when it breaks.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Wire } from '../../../web/tests/browser/harness/wire.mjs';
import { clientOf, createMeeting, Ears, liveMeeting, login, Plenum, request, until } from './people.mjs';

let plenum;
before(async () => {
  plenum = await Plenum.start();
});
after(() => plenum?.stop());

const client = (person, options) => clientOf(plenum.url, person, options);

test('cli_09 whoever listens after joining hears what the others do', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  const joined = await host.joinMeeting(meeting.id, { connectionId: 'conn-1', deviceType: 'desktop' });
  const ears = new Ears(host);
  await ears.heard('open');
  // The stream goes on with the session of the join: nobody is there twice.
  const listed = await host.getParticipants(meeting.id);
  assert.deepEqual(
    listed.map((one) => one.participantId),
    [joined.participantId],
  );
  await member.connect(meeting.id, { deviceType: 'mobile' });
  const join = await ears.heard('join');
  assert.deepEqual(
    [join.type, join.meetingId, join.userId, join.data.userRole, join.data.deviceInfo.deviceType],
    ['join', meeting.id, people.member.user.id, 'attendee', 'mobile'],
  );
  await member.updateStatus(meeting.id, { isMuted: true });
  assert.equal(
    (await ears.heard('participant_update', (one) => one.data.isMuted !== undefined)).data.isMuted,
    true,
  );
  await member.updateStatus(meeting.id, { isHandRaised: true });
  assert.equal((await ears.heard('hand_raise')).data.isHandRaised, true);
  await member.sendChatMessage(meeting.id, { content: 'Hello everyone!' });
  const chat = await ears.heard('chat');
  assert.deepEqual(
    [chat.data.content, chat.data.senderName, chat.data.isPrivate],
    ['Hello everyone!', people.member.user.name, false],
  );
  member.sendReaction(meeting.id, 'thumbs_up', { duration: 5 });
  assert.deepEqual((await ears.heard('reaction')).data.reactionType, 'thumbs_up');
  member.close();
  assert.equal((await ears.heard('leave')).userId, people.member.user.id);
  await host.endMeeting(meeting.id);
  await ears.heard('meeting_ended');
  assert.equal((await ears.heard('close')).reason, 'meeting_ended');
  assert.deepEqual(ears.of('reconnecting'), []);
});

test('cli_09 off ends listening, and one listener that fails disturbs no other', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  await host.joinMeeting(meeting.id);
  await member.joinMeeting(meeting.id);
  const [first, second, failures] = [[], [], []];
  const hear = (event) => first.push(event.data.content);
  // A failure that nobody catches is what is expected here; the test runner would count it.
  const runners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => failures.push(error.message));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const one of runners) process.on('uncaughtException', one);
  });
  host.on('chat', hear);
  host.on('chat', () => {
    if (second.length === 0) throw new Error('a listener fails');
  });
  host.on('chat', (event) => second.push(event.data.content));
  await host.connect(meeting.id);
  await member.sendChatMessage(meeting.id, { content: 'one' });
  await until('the first message', 15_000, () => second.length === 1);
  host.off('chat', hear);
  await member.sendChatMessage(meeting.id, { content: 'two' });
  await until('the second message', 15_000, () => second.length === 2);
  assert.deepEqual([first, second, failures], [['one'], ['one', 'two'], ['a listener fails']]);
  host.close();
});

test('cli_09 a stream that breaks comes back, enters again and is told so', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const wire = await Wire.to(plenum.port);
  t.after(() => wire.close());
  const far = clientOf(wire.url, people.host);
  const member = client(people.member);
  const ears = new Ears(far);
  await far.joinMeeting(meeting.id, { deviceType: 'tablet' });
  assert.equal((await ears.heard('open')).again, false);
  wire.cut();
  await ears.heard('reconnecting', () => true, 3);
  wire.mend();
  assert.equal((await ears.heard('open', (one) => one.again)).meetingId, meeting.id);
  await member.joinMeeting(meeting.id);
  await ears.heard('join', (one) => one.userId === people.member.user.id);
  const seen = (await member.getParticipants(meeting.id)).filter((one) => one.userId === people.host.user.id);
  assert.deepEqual(
    seen.map((one) => one.deviceType),
    ['tablet'],
  );
  far.close();
  assert.equal((await ears.heard('close')).reason, 'closed');
});

test('cli_09 a stream that cannot come back gives up after its tries', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const wire = await Wire.to(plenum.port);
  t.after(() => wire.close());
  const far = clientOf(wire.url, people.host, {
    retries: 0,
    reconnect: { attempts: 2, baseMs: 5, maxMs: 10 },
  });
  const ears = new Ears(far);
  await far.connect(meeting.id);
  wire.cut();
  const close = await ears.heard('close');
  assert.deepEqual([close.reason, close.error.code], ['gave_up', 'NETWORK_ERROR']);
  assert.deepEqual(
    ears.of('reconnecting').map((one) => one.attempt),
    [1, 2],
  );
});

test('cli_09 a stream ends with the meeting that ended while it was away', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const wire = await Wire.to(plenum.port);
  t.after(() => wire.close());
  const far = clientOf(wire.url, people.member);
  const ears = new Ears(far);
  await far.connect(meeting.id);
  wire.cut();
  await ears.heard('reconnecting');
  await client(people.host).endMeeting(meeting.id);
  wire.mend();
  assert.equal((await ears.heard('close')).reason, 'meeting_ended');
});

test('cli_09 whoever may not in is refused once and not again', async () => {
  const { meeting, people } = await liveMeeting(plenum, ['host', 'outsider', 'second']);
  const cases = [
    [client({ token: 'nonsense' }), meeting.id, 401, 'UNAUTHORIZED'],
    [client(people.host), '01JDAVNTZ6MG8F0Q5W0R7YH3KC', 404, 'MEETING_NOT_FOUND'],
  ];
  const other = await createMeeting(plenum, people.host, ['second@demo.test']);
  cases.push([client(people.outsider), other.id, 403, 'INSUFFICIENT_PERMISSION']);
  for (const [one, id, status, code] of cases) {
    const ears = new Ears(one);
    await assert.rejects(one.connect(id), { status, code });
    assert.equal((await ears.heard('close')).reason, 'refused');
    assert.deepEqual(ears.of('reconnecting'), []);
  }
});

test('cli_09 a token that is refused is renewed before the stream comes back', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  let asked = 0;
  const renewing = client(
    { token: 'over' },
    {
      refreshToken: async () => {
        asked += 1;
        return (await login(plenum, 'host@demo.test')).token;
      },
    },
  );
  const ears = new Ears(renewing);
  await renewing.connect(meeting.id);
  await client(people.member).joinMeeting(meeting.id);
  await ears.heard('join');
  assert.equal(asked, 1);
  renewing.close();
});

test('cli_09 whoever waits over the stream hears when the host lets him in', async () => {
  const { meeting, people } = await liveMeeting(plenum, ['host', 'member'], { waiting_room_enabled: true });
  const [host, member] = [client(people.host), client(people.member)];
  const [inside, outside] = [new Ears(host), new Ears(member)];
  await host.connect(meeting.id);
  await member.connect(meeting.id);
  const knock = await inside.heard('participant_update', (one) => one.data.isInWaitingRoom);
  assert.equal(knock.userId, people.member.user.id);
  assert.deepEqual(outside.of('joined'), []);
  await host.updateStatus(meeting.id, { participantUserId: knock.userId, isInWaitingRoom: false });
  const joined = await outside.heard('joined');
  assert.deepEqual(
    joined.data.participants.map((one) => one.userName),
    [people.host.user.name],
  );
  assert.deepEqual(
    outside.of('participant_update').map((one) => one.data.isInWaitingRoom),
    [true, false],
  );
  host.close();
  member.close();
});

test('cli_09 whoever a host removes does not come back by himself', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const member = client(people.member);
  const ears = new Ears(member);
  await member.connect(meeting.id);
  const removal = await request(plenum, 'DELETE', `/api/meeting/${meeting.id}/participants`, {
    token: people.host.token,
    body: { participant_ids: [people.member.user.id] },
  });
  assert.equal(removal.status, 200);
  assert.equal((await ears.heard('close')).reason, 'removed');
  assert.equal((await ears.heard('leave')).data.reason, 'kicked');
  assert.deepEqual(ears.of('reconnecting'), []);
});

test('cli_09 a token that ends in the middle is renewed, and the stream goes on with the new one', async () => {
  const admin = await login(plenum, 'admin@demo.test');
  const account = {
    name: 'Nora New',
    email: 'nora@demo.test',
    password: 'demo-password',
    user_type: 'teacher',
    campus_id: 'default',
  };
  const made = await request(plenum, 'POST', '/api/admin/users', { token: admin.token, body: account });
  assert.equal(made.status, 201);
  const nora = await login(plenum, account.email);
  const { meeting } = await liveMeeting(plenum, ['host'], { participants: ['nora@demo.test'] });
  const refreshToken = async () => {
    const body = { email: account.email, password: 'another-password' };
    return (await request(plenum, 'POST', '/api/auth/login', { body })).body.data.token;
  };
  const [renewing, plain] = [client(nora, { refreshToken }), client(nora)];
  const [going, ending] = [new Ears(renewing), new Ears(plain)];
  await renewing.connect(meeting.id);
  await plain.connect(meeting.id);
  const changed = await request(plenum, 'PUT', '/api/auth/change-password', {
    token: nora.token,
    body: { current_password: 'demo-password', new_password: 'another-password' },
  });
  assert.equal(changed.status, 200);
  await going.heard('open', (one) => one.again);
  const close = await ending.heard('close');
  assert.deepEqual([close.reason, close.error.code], ['refused', 'UNAUTHORIZED']);
  renewing.close();
});

test('cli_09 closing while it comes back ends that too', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const wire = await Wire.to(plenum.port);
  t.after(() => wire.close());
  const far = clientOf(wire.url, people.host, { reconnect: { attempts: 3, baseMs: 60_000, maxMs: 60_000 } });
  const ears = new Ears(far);
  await far.connect(meeting.id);
  wire.cut();
  await ears.heard('reconnecting');
  far.close(meeting.id);
  assert.deepEqual(ears.of('close'), [{ meetingId: meeting.id, reason: 'closed' }]);
});
