// The rules of the contract that can be seen from outside, against the running processes: who gets in, who may do what, in which words.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Plenum } from './harness/plenum.mjs';
import { createMeeting, endMeeting, liveMeeting, login, request, startMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

const uninvited = 'Access denied: You are not invited to this meeting';
const notAMember = 'Access denied - you are not a participant in this meeting';
const otherCampus = 'Access denied - meeting not found in your campus';

describe('rules seen from outside', () => {
  let plenum;
  let people;
  let sockets = [];

  before(async () => {
    plenum = await Plenum.start();
    const names = ['admin', 'host', 'member', 'second', 'student', 'outsider'];
    const logins = await Promise.all(names.map((name) => login(plenum, `${name}@demo.test`)));
    people = Object.fromEntries(names.map((name, index) => [name, logins[index]]));
  });
  afterEach(() => {
    for (const socket of sockets) socket.close();
    sockets = [];
  });
  after(() => plenum.stop());

  const ask = (who, method, path, body) => request(plenum, method, path, { token: people[who]?.token, body });
  const path = (meeting, rest = '') => `/api/meeting/${meeting.id}${rest}`;
  const connect = async (who) => {
    const socket = await Socket.connect(plenum, people[who].token);
    sockets.push(socket);
    return socket;
  };
  const enter = async (who, meeting, payload) => {
    const socket = await connect(who);
    const joined = await socket.join(meeting.id, payload);
    return Object.assign(socket, { joined, id: joined.participantId });
  };
  const refusal = ({ status, body }) => [status, body.message];
  const idsOf = async (who) => (await ask(who, 'GET', '/api/meeting')).body.data.map(({ id }) => id);

  describe('accounts', () => {
    test('cls_01_cls_02_cls_03 logging in, the own profile, and a new password that ends older tokens', async () => {
      const made = await ask('admin', 'POST', '/api/admin/users', {
        name: 'Grace',
        email: 'grace@demo.test',
        password: 'first words',
        user_type: 'teacher',
        campus_id: 'default',
      });
      assert.equal(made.status, 201);
      const enter = (password) =>
        request(plenum, 'POST', '/api/auth/login', { body: { email: 'Grace@demo.test', password } });
      const first = await enter('first words');
      assert.deepEqual(
        [first.status, first.body.token, first.body.user],
        [200, first.body.data.token, first.body.data.user],
      );
      const { token } = first.body.data;
      const profile = await request(plenum, 'GET', '/api/auth/profile', { token });
      assert.deepEqual(
        [profile.body.data.email, profile.body.data.role, profile.body.data.campus_id],
        ['grace@demo.test', 'host', 'default'],
      );
      const change = (currentPassword, newPassword) =>
        request(plenum, 'PUT', '/api/auth/change-password', {
          token,
          body: { currentPassword, newPassword },
        });
      assert.deepEqual(refusal(await change('wrong words', 'second words')), [
        401,
        'Current password is incorrect',
      ]);
      assert.equal((await change('first words', 'short')).status, 400);
      assert.equal((await change('first words', 'second words')).status, 200);
      assert.deepEqual(refusal(await request(plenum, 'GET', '/api/auth/profile', { token })), [
        401,
        'Invalid token',
      ]);
      await assert.rejects(Socket.connect(plenum, token), { message: 'Invalid token' });
      assert.deepEqual(refusal(await enter('first words')), [401, 'Invalid credentials']);
      assert.equal((await enter('second words')).status, 200);
    });

    test('add_01_auth_03 only administrators create accounts', async () => {
      const body = {
        name: 'X',
        email: 'x@demo.test',
        password: 'long enough',
        user_type: 'student',
        campus_id: 'default',
      };
      assert.equal((await ask('host', 'POST', '/api/admin/users', body)).status, 403);
      assert.deepEqual(refusal(await request(plenum, 'POST', '/api/admin/users', { body })), [
        401,
        'Authentication token missing',
      ]);
      assert.deepEqual(refusal(await request(plenum, 'GET', '/api/meeting', { token: 'nonsense' })), [
        401,
        'Invalid token',
      ]);
    });
  });

  describe('who sees and who gets in', () => {
    test('acc_01_acc_05_acc_11_kcs_02 the list holds what one made or is invited to, by id or e-mail, and nothing else', async () => {
      const byEmail = await createMeeting(plenum, people.host, ['MEMBER@demo.test']);
      const byId = await createMeeting(plenum, people.host, [people.member.user.id]);
      const without = await createMeeting(plenum, people.host, ['second@demo.test']);
      for (const meeting of [byEmail, byId, without]) assert.ok((await idsOf('host')).includes(meeting.id));
      const seen = await idsOf('member');
      assert.deepEqual(
        [byEmail, byId, without].map(({ id }) => seen.includes(id)),
        [true, true, false],
      );
      const empty = await ask('student', 'GET', '/api/meeting');
      assert.deepEqual(
        [empty.status, empty.body.success, empty.body.data, empty.body.count],
        [200, true, [], 0],
      );
    });

    test('acc_03_acc_06_acc_07_acc_10_acc_19_err_02_kcs_03 only members of the campus and the meeting see it; passwords never show', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test'], {
        meeting_password: 'open sesame',
      });
      assert.equal((await ask('member', 'GET', path(meeting))).status, 200);
      for (const part of ['', '/participants', '/chat', '/webrtc-config']) {
        assert.deepEqual(refusal(await ask('student', 'GET', path(meeting, part))), [403, notAMember], part);
        const far = await ask('outsider', 'GET', path(meeting, part));
        assert.deepEqual(refusal(far), [403, otherCampus], part);
        assert.equal(far.body.success, false);
        assert.ok(!('data' in far.body), 'a refusal carries no data');
      }
      for (const who of ['host', 'member']) {
        const all = await ask(who, 'GET', path(meeting));
        assert.ok(!JSON.stringify(all.body).includes('open sesame'));
        assert.ok(!JSON.stringify(all.body).includes('argon2'));
        assert.equal(all.body.data.requires_password, true);
      }
      assert.deepEqual(refusal(await ask('member', 'GET', '/api/meeting/01HZZZZZZZZZZZZZZZZZZZZZZZ')), [
        404,
        'Meeting not found',
      ]);
    });

    test('acc_04_acc_08_acc_09_acc_11_acc_18_kcs_09 checks come in order: the uninvited learn nothing, the password comes after', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test'], {
        meeting_password: 'open sesame',
      });
      await startMeeting(plenum, people.host, meeting.id);
      const join = (who, password) =>
        ask(
          who,
          'POST',
          path(meeting, '/join'),
          password === undefined ? {} : { meeting_password: password },
        );
      assert.deepEqual(refusal(await join('student', 'open sesame')), [403, uninvited]);
      assert.deepEqual(refusal(await join('outsider', 'open sesame')), [403, otherCampus]);
      assert.deepEqual(refusal(await join('member')), [401, 'Meeting password required']);
      assert.deepEqual(refusal(await join('member', 'open window')), [401, 'Invalid meeting password']);
      const welcome = await join('member', 'open sesame');
      assert.deepEqual(
        [
          welcome.status,
          welcome.body.data.canJoin,
          welcome.body.data.requiresPassword,
          welcome.body.data.meeting.id,
        ],
        [200, true, true, meeting.id],
      );
      assert.equal((await join('host')).body.data.canJoin, true);
      await endMeeting(plenum, people.host, meeting.id);
      assert.deepEqual(refusal(await join('member', 'wrong')), [410, 'Meeting has ended']);
      assert.deepEqual(refusal(await join('student')), [403, uninvited]);
    });

    test('lim_01_acc_07_kcs_ws_05 a full meeting is 429 by REST and an error on the socket; who is inside may enter again', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test', 'second@demo.test'], {
        max_participants: 2,
      });
      await startMeeting(plenum, people.host, meeting.id);
      const host = await enter('host', meeting);
      await enter('member', meeting);
      const full = await ask('second', 'POST', path(meeting, '/join'), {});
      assert.deepEqual(
        [full.status, full.body.message, full.body.code],
        [429, 'Meeting is full', 'MEETING_FULL'],
      );
      assert.equal(full.headers.get('retry-after'), null);
      const socket = await connect('second');
      const refused = await socket.ask('join-meeting', { meetingId: meeting.id });
      assert.deepEqual(
        [refused.success, refused.error, refused.message],
        [false, 'Meeting is full', 'Meeting is full'],
      );
      assert.equal((await socket.event('error')).message, 'Meeting is full');
      await enter('member', meeting);
      assert.deepEqual(
        host.seen('participant-joined').filter(({ userId }) => userId === people.second.user.id),
        [],
      );
    });

    test('acc_04_acc_19 allow_guests lets the campus in and nobody else', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test'], { allow_guests: true });
      await startMeeting(plenum, people.host, meeting.id);
      assert.equal((await enter('student', meeting)).joined.success, true);
      const far = await connect('outsider');
      assert.equal((await far.ask('join-meeting', { meetingId: meeting.id })).message, otherCampus);
    });

    test('jf_07_kcs_ws_04 each refusal of join-meeting has its words, by event and by callback', async () => {
      const ended = (await liveMeeting(plenum)).meeting;
      await endMeeting(plenum, people.host, ended.id);
      const locked = (await liveMeeting(plenum, ['host', 'member'], { meeting_password: 'open sesame' }))
        .meeting;
      const scheduled = await createMeeting(plenum, people.host, ['member@demo.test']);
      const cases = [
        ['member', { meetingId: '' }, 'Meeting ID is required'],
        ['member', {}, 'Meeting ID is required'],
        ['member', { meetingId: 'nothing' }, 'Meeting not found'],
        ['outsider', { meetingId: locked.id }, otherCampus],
        ['student', { meetingId: locked.id }, uninvited],
        ['member', { meetingId: ended.id }, 'Meeting has ended'],
        ['member', { meetingId: scheduled.id }, 'Meeting is not active'],
        ['member', { meetingId: locked.id }, 'Meeting password required'],
        ['member', { meetingId: locked.id, meeting_password: 'wrong one' }, 'Invalid meeting password'],
      ];
      for (const [who, payload, words] of cases) {
        const socket = await connect(who);
        const answer = await socket.ask('join-meeting', payload);
        assert.deepEqual([answer.success, answer.error], [false, words], JSON.stringify(payload));
        const event = await socket.event('error');
        assert.equal(event.message, words);
        assert.equal(event.event, 'join-meeting');
        assert.ok(socket.io.connected);
      }
    });
  });

  describe('the life of a meeting', () => {
    test('life_01_life_02_life_03_life_04_role_01_role_02_kcs_07_kcs_08 scheduled, live, ended; hosts only; never twice', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test']);
      assert.deepEqual([meeting.meeting_status, meeting.status], ['scheduled', 'scheduled']);
      assert.deepEqual(refusal(await ask('member', 'POST', path(meeting, '/start'), {})), [
        403,
        'Only hosts can start meetings',
      ]);
      assert.deepEqual(refusal(await ask('host', 'POST', path(meeting, '/end'), {})), [
        400,
        'Meeting is not active',
      ]);
      const started = await ask('host', 'POST', path(meeting, '/start'), {});
      assert.deepEqual([started.status, started.body.data.status], [200, 'live']);
      assert.ok(started.body.data.webrtc_config.router_capabilities.codecs.length > 0);
      assert.equal((await ask('host', 'POST', path(meeting, '/start'), {})).status, 200);
      assert.deepEqual(refusal(await ask('member', 'POST', path(meeting, '/end'), {})), [
        403,
        'Only hosts can end meetings',
      ]);
      const ended = await ask('host', 'POST', path(meeting, '/end'), {});
      assert.deepEqual([ended.status, ended.body.data.status], [200, 'ended']);
      for (const again of ['/end', '/start']) {
        assert.deepEqual(
          refusal(await ask('host', 'POST', path(meeting, again), {})),
          [410, 'Meeting has ended'],
          again,
        );
      }
    });

    test('stat_01_kcs_08 the final numbers say how many were there at once and how much was said', async () => {
      const { meeting } = await liveMeeting(plenum, ['host', 'member', 'second']);
      const host = await enter('host', meeting);
      const member = await enter('member', meeting);
      await member.ask('send-message', { meetingId: meeting.id, message: 'one' });
      await host.ask('send-message', { meetingId: meeting.id, message: 'two' });
      await member.ask('leave-meeting', { meetingId: meeting.id });
      await enter('second', meeting);
      const { final_stats: numbers } = await endMeeting(plenum, people.host, meeting.id);
      assert.deepEqual(
        [numbers.max_participants, numbers.total_chat_messages, numbers.recording_url],
        [2, 2, null],
      );
      assert.equal(typeof numbers.duration_minutes, 'number');
    });

    test('life_05_life_06_kcs_05_kcs_06 changing and cancelling: the host alone, and not while it runs', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test']);
      assert.deepEqual(refusal(await ask('member', 'PUT', path(meeting), { meeting_name: 'Mine' })), [
        403,
        'Access denied',
      ]);
      const end = new Date(Date.parse(meeting.meeting_start_time) - 1000).toISOString();
      assert.deepEqual(refusal(await ask('host', 'PUT', path(meeting), { meeting_end_time: end })), [
        400,
        'Meeting end time must be after start time',
      ]);
      const changed = await ask('host', 'PUT', path(meeting), { meeting_name: 'Renamed' });
      assert.deepEqual(
        [changed.status, changed.body.data.meeting_name, changed.body.data.meeting_location],
        [200, 'Renamed', meeting.meeting_location],
      );
      await startMeeting(plenum, people.host, meeting.id);
      assert.deepEqual(refusal(await ask('host', 'DELETE', path(meeting))), [
        400,
        'Cannot delete live meetings (must end first)',
      ]);
      await endMeeting(plenum, people.host, meeting.id);
      assert.deepEqual(refusal(await ask('host', 'PUT', path(meeting), { meeting_name: 'Late' })), [
        410,
        'Meeting has ended',
      ]);

      const other = await createMeeting(plenum, people.host, ['member@demo.test']);
      assert.deepEqual(refusal(await ask('member', 'DELETE', path(other))), [403, 'Access denied']);
      assert.equal((await ask('host', 'DELETE', path(other))).status, 200);
      assert.deepEqual(refusal(await ask('host', 'GET', path(other))), [404, 'Meeting not found']);
      assert.ok(!(await idsOf('host')).includes(other.id));
      assert.equal((await ask('member', 'POST', path(other, '/join'), {})).status, 410);
    });

    test('life_07_media_05_kcs_19_acc_09 the lobby: access and WebRTC configuration before the start', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test']);
      const member = await ask('member', 'POST', path(meeting, '/join'), {});
      assert.deepEqual(
        [member.status, member.body.data.canJoin, member.body.message],
        [200, false, 'Meeting has not started yet'],
      );
      assert.equal((await ask('host', 'POST', path(meeting, '/join'), {})).body.data.canJoin, true);
      const early = (await ask('member', 'GET', path(meeting, '/webrtc-config'))).body.data;
      assert.equal(early.webrtc_config.router_id, null);
      await startMeeting(plenum, people.host, meeting.id);
      const {
        webrtc_config: config,
        meeting_features: features,
        max_participants: most,
      } = (await ask('member', 'GET', path(meeting, '/webrtc-config'))).body.data;
      assert.equal(typeof config.router_id, 'string');
      assert.ok(Array.isArray(config.ice_servers));
      const codecs = new Set(config.router_capabilities.codecs.map(({ mimeType }) => mimeType.toLowerCase()));
      for (const codec of ['audio/opus', 'video/vp8', 'video/vp9', 'video/h264', 'video/av1'])
        assert.ok(codecs.has(codec), codec);
      assert.deepEqual([features.chat_enabled, most], [true, 100]);
    });

    test('life_07_kcs_ws_05 a host who joins a scheduled meeting starts it, others are told to wait', async () => {
      const meeting = await createMeeting(plenum, people.host, ['member@demo.test']);
      const early = await connect('member');
      assert.equal(
        (await early.ask('join-meeting', { meetingId: meeting.id })).error,
        'Meeting is not active',
      );
      assert.equal((await enter('host', meeting)).joined.meeting.meeting_status, 'live');
      assert.equal((await early.ask('join-meeting', { meetingId: meeting.id })).success, true);
    });

    test('life_08_lim_01_lim_02_err_01_err_03_kcs_01 what a meeting is made of has bounds, each refused by name', async () => {
      const body = {
        meeting_name: 'Bounds',
        meeting_description: '',
        meeting_start_time: '2031-01-01T10:00:00Z',
        meeting_end_time: '2031-01-01T11:00:00Z',
        meeting_location: 'online',
        participants: ['member@demo.test'],
      };
      const make = (change) => ask('host', 'POST', '/api/meeting', { ...body, ...change });
      const plain = await make({});
      assert.deepEqual(
        [
          plain.status,
          plain.body.data.meeting_type,
          plain.body.data.max_participants,
          plain.body.data.waiting_room_enabled,
        ],
        [201, 'scheduled', 100, false],
      );
      for (const good of [
        { max_participants: 2 },
        { max_participants: 10_000 },
        { meeting_password: '123456' },
        { meeting_type: 'recurring' },
      ]) {
        assert.equal((await make(good)).status, 201, JSON.stringify(good));
      }
      const bad = [
        [{ meeting_end_time: body.meeting_start_time }, /^Meeting end time must be after start time$/],
        [{ participants: [] }, /^At least one participant is required$/],
        [{ participants: [{}] }, /^Each participant must have user_id or email$/],
        [{ participants: ['01HZZZZZZZZZZZZZZZZZZZZZZZ'] }, /^User not found$/],
        [{ participants: [people.outsider.user.id] }, /^User not found$/],
        [{ meeting_name: undefined }, /^meeting_name is required$/],
        [{ meeting_type: 'daily' }, /^meeting_type: /],
        [{ max_participants: 1 }, /^max_participants: /],
        [{ max_participants: 10_001 }, /^max_participants: /],
        [{ meeting_password: '12345' }, /^meeting_password: /],
        [{ meeting_password: 'x'.repeat(51) }, /^meeting_password: /],
      ];
      for (const [change, words] of bad) {
        const answer = await make(change);
        assert.equal(answer.status, 400, JSON.stringify(change));
        assert.match(answer.body.message, words);
        assert.equal(answer.body.success, false);
      }
    });
  });

  describe('what people may do inside', () => {
    test('role_03_role_04_role_05_role_09_role_12_kcs_ws_15 permissions are told with both sets of names', async () => {
      const { meeting } = await liveMeeting(plenum);
      const member = await enter('member', meeting);
      await enter('host', meeting);
      const { permissions } = await member.event('participant-joined');
      assert.deepEqual(
        [
          permissions.canShare,
          permissions.canChat,
          permissions.canRecord,
          permissions.can_manage_participants,
        ],
        [true, true, true, true],
      );
      const own = member.joined.permissions;
      for (const name of [
        'can_share_screen',
        'can_unmute_others',
        'can_manage_participants',
        'can_record',
        'can_manage_breakout_rooms',
      ]) {
        assert.equal(typeof own[name], 'boolean', name);
      }
      assert.deepEqual([own.canChat, own.canRecord, own.can_manage_participants], [true, false, false]);
    });

    test('chat_01_chat_02_kcs_ws_07_kcs_ws_18_kcs_15_lim_06_sec_03 messages reach whom they are for and nobody else, also in the history', async () => {
      const { meeting } = await liveMeeting(plenum, ['host', 'member', 'second']);
      const [host, member, second] = [
        await enter('host', meeting),
        await enter('member', meeting),
        await enter('second', meeting),
      ];
      const say = (payload) => member.ask('send-message', { meetingId: meeting.id, ...payload });
      await say({ message: 'to all' });
      await say({ message: 'to second', recipientType: 'private', recipientId: second.id });
      await say({ message: 'to hosts', recipientType: 'host' });
      await say({ message: 'the end' });
      const texts = (socket) => socket.seen('new-message').map(({ message }) => message.message);
      for (const socket of [host, member, second]) {
        await socket.event('new-message', ({ message }) => message.message === 'the end');
      }
      assert.deepEqual(texts(member), ['to all', 'to second', 'to hosts', 'the end']);
      assert.deepEqual(texts(host), ['to all', 'to hosts', 'the end']);
      assert.deepEqual(texts(second), ['to all', 'to second', 'the end']);
      const { message: sent } = host.seen('new-message')[0];
      assert.deepEqual(
        [sent.sender_id, sent.sender_name, sent.recipientType],
        [people.member.user.id, people.member.user.name, 'all'],
      );
      const history = async (who, limit = '') =>
        (await ask(who, 'GET', path(meeting, `/chat${limit}`))).body.data.map(({ message }) => message);
      assert.deepEqual(await history('second'), texts(second));
      assert.deepEqual(await history('host'), texts(host));
      assert.deepEqual(await history('member', '?limit=2'), ['to hosts', 'the end']);
      assert.equal((await say({ message: 'x'.repeat(4001) })).success, false);
      assert.equal((await say({ message: '' })).success, false);
      const outside = await connect('student');
      assert.equal(
        (await outside.ask('send-message', { meetingId: meeting.id, message: 'hello' })).success,
        false,
      );
    });

    test('rt_12_kcs_ws_09_kcs_ws_21 hands are told to everybody with who and when', async () => {
      const { meeting } = await liveMeeting(plenum);
      const host = await enter('host', meeting);
      const member = await enter('member', meeting);
      member.emit('raise-hand', { meetingId: meeting.id, raised: true });
      for (const socket of [host, member]) {
        const hand = await socket.event('hand-raised');
        assert.deepEqual(
          [hand.participantId, hand.userName, hand.raised],
          [member.id, people.member.user.name, true],
        );
        assert.ok(Math.abs(Date.parse(hand.timestamp) - Date.now()) < 60_000);
      }
      host.emit('raise-hand', { meetingId: meeting.id, raised: true });
      await member.event('hand-raised', ({ participantId }) => participantId === host.id);
      const late = await enter('member', meeting);
      const raised = late.joined.participants
        .filter(({ handRaised }) => handRaised)
        .map(({ participantId }) => participantId);
      assert.deepEqual(raised.sort(), [host.id, member.id].sort());
    });

    test('kcs_ws_12_kcs_ws_23_kcs_ws_17 a host mutes somebody, an attendee may not', async () => {
      const { meeting } = await liveMeeting(plenum);
      const host = await enter('host', meeting);
      const member = await enter('member', meeting);
      const mute = (socket, participantId) =>
        socket.ask('mute-participant', { meetingId: meeting.id, participantId, mute: true });
      assert.equal((await mute(member, host.id)).error, 'Access denied');
      assert.equal((await mute(host, 'nobody')).error, 'Participant not found');
      assert.equal((await mute(host, member.id)).success, true);
      assert.equal((await member.event('muted-by-host')).muted, true);
      for (const socket of [host, member]) {
        await socket.event(
          'participant-media-updated',
          ({ participantId, audio }) => participantId === member.id && audio === false,
        );
      }
    });

    test('acc_12_acc_13_add_ev_01_add_ev_02_add_ev_03_add_ev_04 in the waiting room one waits until a host decides', async () => {
      const { meeting } = await liveMeeting(plenum, ['host', 'member', 'second'], {
        waiting_room_enabled: true,
      });
      const host = await enter('host', meeting);
      const [member, second] = [await connect('member'), await connect('second')];
      for (const socket of [member, second]) socket.emit('join-meeting', { meetingId: meeting.id });
      const [waits, alsoWaits] = [
        await member.event('waiting-room-joined'),
        await second.event('waiting-room-joined'),
      ];
      const asked = await host.event(
        'join-request',
        ({ participantId }) => participantId === waits.participantId,
      );
      assert.deepEqual([asked.userId, asked.userName], [people.member.user.id, people.member.user.name]);
      assert.equal(
        (await member.ask('admit-participant', { meetingId: meeting.id, participantId: waits.participantId }))
          .success,
        false,
      );
      await host.ask('admit-participant', { meetingId: meeting.id, participantId: waits.participantId });
      assert.equal((await member.event('meeting-joined')).success, true);
      await host.ask('deny-participant', { meetingId: meeting.id, participantId: alsoWaits.participantId });
      assert.equal((await second.event('error')).message, 'Access denied');
      assert.deepEqual(second.seen('meeting-joined'), []);
    });

    test('kcs_10_rt_04 the roster lists everybody once, with who is connected', async () => {
      const { meeting } = await liveMeeting(plenum, ['host', 'member', 'second']);
      const member = await enter('member', meeting);
      const rows = (await ask('host', 'GET', path(meeting, '/participants'))).body;
      assert.equal(rows.count, 3);
      const row = rows.data.find(({ user_id }) => user_id === people.member.user.id);
      assert.deepEqual(
        [row.participant_id, row.connection_status, row.role],
        [member.id, 'connected', 'attendee'],
      );
      assert.equal(rows.data.find(({ user_id }) => user_id === people.host.user.id).role, 'host');
      const absent = rows.data.find(({ user_id }) => user_id === people.second.user.id);
      assert.deepEqual([absent.participant_id, absent.connection_status], [null, 'disconnected']);
    });

    test('cli_03_media_04 one may join without any media, and media is offered encrypted only', async () => {
      const { meeting } = await liveMeeting(plenum);
      const host = await enter('host', meeting);
      assert.equal(
        (await host.ask('send-message', { meetingId: meeting.id, message: 'text only' })).success,
        true,
      );
      const made = await host.ask('create-transport', { meetingId: meeting.id, direction: 'recv' });
      assert.equal(made.success, true);
      assert.ok(made.dtlsParameters.fingerprints.some(({ algorithm }) => algorithm === 'sha-256'));
      assert.ok(made.iceParameters.iceLite);
      const bad = await host.ask('create-transport', { meetingId: meeting.id, direction: 'sideways' });
      assert.equal(bad.success, false);
    });
  });
});
