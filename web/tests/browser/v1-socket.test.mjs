// The raw WebSocket of the v1 dialect as browsers speak it, in one meeting with a stock Socket.IO client.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openPage } from './harness/browser.mjs';
import { openHall } from './harness/hall.mjs';
import { RawSocket } from './harness/raw.mjs';
import { endMeeting, liveMeeting } from './harness/rest.mjs';
import { Socket } from './harness/socket.mjs';

describe('the raw WebSocket in a browser', () => {
  const hall = openHall();
  let plenum;
  let page;

  before(async () => {
    plenum = hall.plenum;
    page = await openPage(hall.browser, plenum.url);
  });

  test('v1_ws_auth_07 a page without a good token gets no socket', async () => {
    const { meeting } = await liveMeeting(plenum);
    await assert.rejects(RawSocket.connect(page, plenum, meeting.id, 'rubbish'), /no connection/);
  });

  test('v1_ws_01_v1_ws_03_v1_ws_04_v1_ws_05_v1_ws_06_c_08 two pages and a stock client hear each other, and the end', async () => {
    const { meeting, people } = await liveMeeting(plenum, ['member', 'second']);
    const stock = await Socket.connect(plenum, people.host.token);
    await stock.join(meeting.id);
    const member = await RawSocket.connect(page, plenum, meeting.id, people.member.token);
    assert.equal((await member.join()).data.participants.length, 1);
    const second = await RawSocket.connect(page, plenum, meeting.id, people.second.token);
    await second.join();
    assert.equal((await member.message('join')).user_id, people.second.user.id);
    await stock.event('participant-joined', (told) => told.userId === people.second.user.id);

    await member.send('chat', { content: 'Hello from a page 👋' });
    const said = await second.message('chat', (data) => data.content === 'Hello from a page 👋');
    assert.equal(said.data.sender_id, people.member.user.id);
    await stock.event('new-message', (told) => told.message.message === 'Hello from a page 👋');
    stock.emit('send-message', { meetingId: meeting.id, message: 'Hello back' });
    for (const socket of [member, second]) {
      const answer = await socket.message('chat', (data) => data.content === 'Hello back');
      assert.equal(answer.data.sender_id, people.host.user.id);
    }

    await second.send('reaction', { reaction_type: 'party' });
    assert.equal((await stock.event('participant-reaction')).reaction, '🎉');
    stock.emit('send-reaction', { meetingId: meeting.id, reaction: '👍' });
    await member.message('reaction', (data) => data.reaction_type === 'thumbs_up');
    await member.send('hand_raise', { is_hand_raised: true });
    assert.equal((await stock.event('hand-raised')).raised, true);
    await second.message('hand_raise', (data) => data.is_hand_raised);
    await second.send('ping');
    assert.deepEqual((await second.message('pong')).data, {});

    await second.close();
    const left = await member.message('leave');
    assert.deepEqual([left.user_id, left.data.reason], [people.second.user.id, 'disconnected']);
    await endMeeting(plenum, people.host, meeting.id);
    await member.message('meeting_ended');
    assert.deepEqual(await member.closed(), { code: 1000, reason: 'Meeting has ended' });
    await stock.event('meeting-ended');
    stock.close();
  });
});
