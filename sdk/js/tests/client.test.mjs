// Every method of the client against a real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MeetingClient, MeetingError } from '../dist/esm/index.js';
import { clientOf, createMeeting, liveMeeting, login, Plenum } from './people.mjs';

const livekit = {
  LIVEKIT_URL: 'wss://livekit.example.com',
  LIVEKIT_API_KEY: 'a-key',
  LIVEKIT_API_SECRET: 'a-secret-of-the-tests-that-is-long-enough',
};

let plenum;
before(async () => {
  plenum = await Plenum.start({ env: livekit });
});
after(() => plenum?.stop());

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const client = (person, options) => clientOf(plenum.url, person, options);

test('cli_09 v1_01 v1_02 v1_03 a meeting is started once, runs, and is ended', async () => {
  const host = await login(plenum, 'host@demo.test');
  const { id } = await createMeeting(plenum, host, ['member@demo.test']);
  const mine = client(host);
  const started = await mine.startMeeting(id);
  assert.equal(started.meetingId, id);
  assert.equal(started.startedBy, host.user.id);
  assert.match(started.startedAt, iso);
  await assert.rejects(mine.startMeeting(id), (error) => {
    assert.ok(error instanceof MeetingError && error instanceof Error);
    assert.deepEqual([error.code, error.status, error.name], ['MEETING_ALREADY_ACTIVE', 409, 'MeetingError']);
    assert.equal(error.message, 'Meeting is already in progress');
    return true;
  });
  const status = await mine.getStatus(id);
  assert.deepEqual([status.status, status.isActive, status.endedAt], ['in_progress', true, null]);
  const ended = await mine.endMeeting(id);
  assert.equal(ended.endedBy, host.user.id);
  assert.equal(typeof ended.durationMinutes, 'number');
  assert.equal((await mine.getStatus(id)).status, 'ended');
  await assert.rejects(mine.startMeeting(id), { code: 'MEETING_ENDED', status: 410 });
});

test('cli_09 v1_04 v1_05 v1_06 one joins, is seen, and leaves', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  const joined = await member.joinMeeting(meeting.id, {
    connectionId: 'conn-123',
    deviceType: 'desktop',
    joinMuted: true,
    joinWithoutVideo: true,
  });
  assert.deepEqual(
    [joined.status, joined.role, joined.isMuted, joined.isVideoEnabled, joined.userId],
    ['joined', 'attendee', true, false, people.member.user.id],
  );
  const [seen] = await host.getParticipants(meeting.id);
  assert.deepEqual(
    [seen.participantId, seen.userName, seen.deviceType, seen.isHandRaised],
    [joined.participantId, people.member.user.name, 'desktop', false],
  );
  const left = await member.leaveMeeting(meeting.id);
  assert.match(left.leftAt, iso);
  assert.deepEqual(await host.getParticipants(meeting.id), []);
  await assert.rejects(member.leaveMeeting(meeting.id), { code: 'PARTICIPANT_NOT_FOUND', status: 404 });
});

test('cli_09 a password is asked for and given', async () => {
  const { meeting, people } = await liveMeeting(plenum, ['host', 'member'], {
    meeting_password: 'open sesame',
  });
  const member = client(people.member);
  await assert.rejects(member.joinMeeting(meeting.id), { code: 'MEETING_PASSWORD_REQUIRED', status: 403 });
  await assert.rejects(member.joinMeeting(meeting.id, { meetingPassword: 'guess' }), {
    code: 'INVALID_MEETING_PASSWORD',
  });
  const joined = await member.joinMeeting(meeting.id, { meetingPassword: 'open sesame' });
  assert.equal(joined.status, 'joined');
});

test('cli_09 whoever has to wait for the host is told so without an error, and let in by the host', async () => {
  const { meeting, people } = await liveMeeting(plenum, ['host', 'member'], { waiting_room_enabled: true });
  const [host, member] = [client(people.host), client(people.member)];
  await host.joinMeeting(meeting.id);
  const waiting = await member.joinMeeting(meeting.id);
  assert.equal(waiting.status, 'waiting');
  const listed = await host.getParticipants(meeting.id);
  assert.deepEqual(
    listed.filter((one) => one.status === 'waiting').map((one) => one.userId),
    [people.member.user.id],
  );
  await host.updateStatus(meeting.id, {
    participantUserId: people.member.user.id,
    isInWaitingRoom: false,
  });
  assert.equal((await member.joinMeeting(meeting.id)).status, 'joined');
});

test('cli_09 v1_07 one raises a hand and says what one shows', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const member = client(people.member);
  await member.joinMeeting(meeting.id, { joinMuted: true });
  const status = await member.updateStatus(meeting.id, { isMuted: false, isHandRaised: true });
  assert.deepEqual(status, {
    isMuted: false,
    isVideoEnabled: false,
    isScreenSharing: false,
    isHandRaised: true,
    isInWaitingRoom: false,
  });
});

test('cli_09 v1_08 v1_09 messages are sent, also to one person and with a file, and read page by page', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  await host.joinMeeting(meeting.id);
  await member.joinMeeting(meeting.id);
  const sent = await member.sendChatMessage(meeting.id, { content: 'Hello everyone!', messageType: 'text' });
  assert.deepEqual(
    [sent.content, sent.senderId, sent.senderName, sent.messageType, sent.isPrivate],
    ['Hello everyone!', people.member.user.id, people.member.user.name, 'text', false],
  );
  const whisper = await member.sendChatMessage(meeting.id, {
    content: 'for you_only',
    recipientId: people.host.user.id,
  });
  assert.equal(whisper.isPrivate, true);
  assert.equal(whisper.content, 'for you_only');
  const history = await host.getChatHistory(meeting.id);
  assert.deepEqual(
    history.map((one) => one.content),
    ['Hello everyone!', 'for you_only'],
  );
  const oldest = await host.getChatHistory(meeting.id, { limit: 1, offset: 1 });
  assert.deepEqual(
    oldest.map((one) => one.messageId),
    [sent.messageId],
  );
  await assert.rejects(member.sendChatMessage(meeting.id, { content: '' }), (error) => {
    assert.deepEqual([error.code, error.status], ['VALIDATION_ERROR', 400]);
    assert.ok('content' in error.details);
    return true;
  });
});

test('cli_09 v1_10 v1_11 a host makes breakout rooms, puts somebody into one and calls all back', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  await host.joinMeeting(meeting.id);
  await member.joinMeeting(meeting.id);
  const rooms = await host.createBreakoutRooms(meeting.id, {
    roomCount: 2,
    rooms: [
      { name: 'Planning', description: 'What comes', capacity: 5, settings: { allowScreenShare: false } },
    ],
    allowParticipantsToReturn: true,
    timeLimitMinutes: 30,
  });
  assert.deepEqual(
    rooms.map((room) => [room.name, room.currentParticipants, room.isActive]),
    [
      ['Planning', 0, true],
      ['Breakout Room 2', 0, true],
    ],
  );
  const assigned = await host.assignToBreakoutRoom(meeting.id, {
    participantUserId: people.member.user.id,
    breakoutRoomId: rooms[0].roomId,
  });
  assert.deepEqual(assigned, { participantUserId: people.member.user.id, breakoutRoomId: rooms[0].roomId });
  assert.deepEqual(
    (await member.getBreakoutRooms(meeting.id)).rooms.map((room) => room.currentParticipants),
    [1, 0],
  );
  await host.broadcastToBreakoutRooms(meeting.id, 'Two minutes left');
  assert.equal((await member.getChatHistory(meeting.id)).at(-1).messageType, 'announcement');
  await member.returnFromBreakoutRoom(meeting.id);
  await host.closeBreakoutRooms(meeting.id);
  assert.deepEqual((await host.getBreakoutRooms(meeting.id)).rooms, []);
  await assert.rejects(member.createBreakoutRooms(meeting.id, { roomCount: 1 }), {
    code: 'INSUFFICIENT_PERMISSION',
    status: 403,
  });
});

test('cli_09 v1_12 a LiveKit token names the person and the place', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const { id, name } = people.member.user;
  const told = await client(people.member).getLiveKitToken(meeting.id, { userId: id, userName: name });
  assert.deepEqual([told.userId, told.isHost, told.livekitUrl], [id, false, 'wss://livekit.example.com']);
  const claims = JSON.parse(Buffer.from(told.token.split('.')[1], 'base64url'));
  assert.deepEqual([claims.sub, claims.video.room], [id, meeting.id]);
});

test('cli_09 v1_13 a locked meeting lets nobody else in', async () => {
  const { meeting, people } = await liveMeeting(plenum);
  const [host, member] = [client(people.host), client(people.member)];
  assert.equal(await host.applySecurityPolicy(meeting.id, { lockMeeting: true }), null);
  await assert.rejects(member.joinMeeting(meeting.id), { code: 'MEETING_LOCKED', status: 403 });
  await host.applySecurityPolicy(meeting.id, { lockMeeting: false });
  assert.equal((await member.joinMeeting(meeting.id)).status, 'joined');
});

test('cli_09 without a WebSocket everything but listening works, and listening says what is missing', async (t) => {
  const { meeting, people } = await liveMeeting(plenum);
  const before = globalThis.WebSocket;
  t.after(() => {
    globalThis.WebSocket = before;
  });
  globalThis.WebSocket = undefined;
  const bare = new MeetingClient({ apiUrl: plenum.url, token: people.member.token });
  assert.equal((await bare.joinMeeting(meeting.id)).status, 'joined');
  assert.throws(() => bare.on('chat', () => {}), { code: 'WEBSOCKET_UNAVAILABLE', name: 'MeetingError' });
  await assert.rejects(bare.connect(meeting.id), { code: 'WEBSOCKET_UNAVAILABLE' });
});
