// A meeting as somebody goes through it: in, what he switches and says there, and out again.
import { describe, expect, it, vi } from 'vitest';
import { beginAnew, bob, client, joinWithBob, names, server, settle, track } from '../testing/conference';

beginAnew();

describe('joining', () => {
  it('enters, receives everybody and sends what is switched on', async () => {
    void client.conference.setMicrophone(true, track('audio'));
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    expect(client.state.phase).toBe('inside');
    expect([...client.session.published.keys()]).toEqual(['microphone', 'camera']);
    expect([...client.session.subscriptions.keys()]).toEqual(['bob-mic', 'bob-cam']);
    expect(client.picture()).not.toBeNull();
  });

  it('tells the room that camera and microphone are off when it joins without media', async () => {
    await joinWithBob();
    const update = server.heard.find(({ name }) => name === 'media-status-update');
    expect(update?.payload).toMatchObject({ audio: false, video: false });
    expect(client.session.published.size).toBe(0);
  });

  it('says why it was refused', async () => {
    server.refusals.set('join-meeting', 'Meeting is full');
    client.conference.join();
    await settle();
    expect(client.state).toMatchObject({ phase: 'refused', refusal: 'Meeting is full' });
  });
});

it('says at once that the server cannot be reached, instead of waiting at the door', () => {
  client.link.connect = () => client.link.lose();
  client.conference.join();
  expect(client.state.phase).toBe('refused');
  expect(client.state.refusal).toMatch(/cannot be reached/);
});

describe('the waiting room', () => {
  it('add_ev_03 turns into the meeting when a host admits', async () => {
    server.waitingRoom = true;
    client.conference.join();
    await settle();
    expect(client.state.phase).toBe('waiting');
    server.admit(client.link);
    await settle();
    expect(client.state.phase).toBe('inside');
  });

  it('add_ev_03 all who wait are admitted in the order they came', async () => {
    await joinWithBob();
    for (const id of ['w1', 'w2', 'w3']) {
      server.tell('join-request', { meetingId: 'm1', participantId: id, userName: id });
    }
    await client.conference.desk.admitAll();
    const admitted = server.heard.filter(({ name }) => name === 'admit-participant');
    expect(admitted.map(({ payload }) => payload)).toMatchObject([
      { participantId: 'w1' },
      { participantId: 'w2' },
      { participantId: 'w3' },
    ]);
    expect(client.state.requests).toEqual([]);
  });
});

describe('switches', () => {
  it('mutes by pausing and telling, and keeps the producer', async () => {
    const microphone = track('audio');
    void client.conference.setMicrophone(true, microphone);
    await joinWithBob();
    await client.conference.setMicrophone(false, microphone);
    expect(client.session.published.get('microphone')?.paused).toBe(true);
    expect(server.heard.at(-1)).toMatchObject({ name: 'media-status-update', payload: { audio: false } });
    await client.conference.setMicrophone(true, microphone);
    expect(client.session.published.get('microphone')?.paused).toBe(false);
  });

  it('stops sending a camera that is off and sends the new track when it is on again', async () => {
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    await client.conference.setCamera(null);
    expect(client.session.published.get('camera')).toMatchObject({ track: null, paused: true });
    const next = track('video');
    await client.conference.setCamera(next);
    expect(client.session.published.get('camera')).toMatchObject({ track: next, paused: false });
  });

  it('closes the producers of a screen that is no longer shared', async () => {
    await joinWithBob();
    await client.conference.setScreen(track('video'), track('audio'));
    expect([...client.session.published.keys()]).toEqual(['screen', 'screen-audio']);
    await client.conference.setScreen(null, null);
    expect(client.session.published.size).toBe(0);
    expect(names().filter((name) => name === 'close-producer')).toHaveLength(2);
  });

  it('reports a message that was not taken, so that the writer can keep it', async () => {
    await joinWithBob();
    expect(await client.conference.chat.send('hello')).toBe(true);
    server.refusals.set('send-message', 'Rate limit exceeded');
    expect(await client.conference.chat.send('hello')).toBe(false);
    expect(client.told).toHaveLength(1);
  });
});

describe('what passes', () => {
  it('a reaction floats for as long as the server says, and goes', async () => {
    await joinWithBob();
    const timestamp = new Date().toISOString();
    const clap = { participantId: 'p-bob', userName: 'Bob', reaction: '👏', timestamp, duration: 2 };
    server.tell('participant-reaction', clap);
    server.tell('participant-reaction', { ...clap, participantId: 'p-stranger' });
    expect(client.state.reactions).toMatchObject([{ key: 'p-bob', reaction: '👏' }]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(client.state.reactions).toEqual([]);
  });

  it('whoever comes late learns of the recording too', async () => {
    await joinWithBob();
    expect(client.state.recording.on).toBe(false);
    await client.conference.desk.record(true);
    expect(client.state.recording).toEqual({ on: true, by: 'u-ada' });
  });

  it('a line ends the notice that its writer is writing', async () => {
    await joinWithBob();
    server.tell('user-typing', { userId: 'u-bob', userName: 'Bob', typing: true });
    expect(client.state.typists).toHaveLength(1);
    const line = { id: 'l1', sender_id: 'u-bob', sender_name: 'Bob', message: 'hi', timestamp: '' };
    server.tell('new-message', { message: { ...line, recipientType: 'all' } });
    expect(client.state.typists).toEqual([]);
  });

  it('an edit that the server did not take changes nothing', async () => {
    await joinWithBob();
    const line = { id: 'l1', sender_id: 'u-ada', sender_name: 'Ada', message: 'hi', timestamp: '' };
    server.tell('new-message', { message: { ...line, recipientType: 'all' } });
    client.backend.edit.mockRejectedValueOnce(new Error('no'));
    expect(await client.conference.chat.edit('l1', 'ho')).toBe(false);
    expect(client.state.messages[0]?.message).toBe('hi');
    expect(await client.conference.chat.edit('l1', 'ho')).toBe(true);
    expect(client.state.messages[0]).toMatchObject({ message: 'ho', edited: true });
  });
});

describe('the end', () => {
  it('says goodbye when leaving and hears nothing afterwards', async () => {
    await joinWithBob();
    const leaving = client.conference.leave();
    await settle();
    await leaving;
    expect(names().at(-1)).toBe('leave-meeting');
    expect(client.state.phase).toBe('left');
    expect(client.session.closed).toBe(true);
    server.add(bob({ participantId: 'p-late' }));
    expect(client.state.order).toEqual([]);
  });

  it('cls_ws_10 is out when the host ends the meeting', async () => {
    await joinWithBob();
    server.tell('meeting-ended', { meetingId: 'm1', reason: 'host', endedBy: 'u-bob' });
    expect(client.state).toMatchObject({ phase: 'ended', endedBy: 'u-bob' });
    expect(client.picture()).toBeNull();
    expect(client.session.closed).toBe(true);
  });

  it('kcs_ws_23 muted-by-host switches the microphone off and says so', async () => {
    void client.conference.setMicrophone(true, track('audio'));
    await joinWithBob();
    client.link.deliver('muted-by-host', { muted: true });
    await settle();
    expect(client.state.self.audio).toBe(false);
    expect(client.session.published.get('microphone')?.paused).toBe(true);
    expect(client.told).toEqual(['The host muted you.']);
  });
});
