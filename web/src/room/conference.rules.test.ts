// What others decide about somebody in a conference: roles, rights, the policy, the room one is in.
import { beforeEach, describe, expect, it } from 'vitest';
import {
  beginAnew,
  beginIn,
  client,
  joinWithBob,
  MEETING,
  server,
  settle,
  track,
} from '../testing/conference';
import type { FakeTrack } from '../testing/media';

beginAnew();

describe('rights and roles', () => {
  it('whoever may not share a screen any more stops at once', async () => {
    await joinWithBob();
    const screen = track('video');
    await client.conference.setScreen(screen, null);
    const { participantId } = client.state.self;
    server.changeRole(participantId, 'attendee', { can_share_screen: false });
    await settle();
    expect(client.state.self.screen).toBe(false);
    expect((screen as unknown as FakeTrack).stopped).toBe(true);
    expect(client.session.published.has('screen')).toBe(false);
    expect(client.told).toContain('You may not share your screen any more.');
  });

  it('a new role is told to the one who has it, and shown for everybody', async () => {
    await joinWithBob();
    server.changeRole('p-bob', 'co_host');
    expect(client.state.people['p-bob']).toMatchObject({ role: 'co_host' });
    expect(client.told).toEqual([]);
    server.changeRole(client.state.self.participantId, 'presenter');
    expect(client.told).toEqual(['You are a presenter now.']);
  });

  it('kcs_ws_23 a host mute holds until it is lifted', async () => {
    await joinWithBob();
    client.link.deliver('muted-by-host', { muted: true });
    expect(client.state.self).toMatchObject({ hostMuted: true, audio: false });
    client.link.deliver('muted-by-host', { muted: false });
    expect(client.state.self).toMatchObject({ hostMuted: false, audio: false });
  });

  it('kcs_ws_09 a host lowers one hand, or all of them', async () => {
    await joinWithBob();
    const timestamp = new Date().toISOString();
    server.tell('hand-raised', { participantId: 'p-bob', userName: 'Bob', raised: true, timestamp });
    expect(client.state.people['p-bob']?.handRaisedAt).not.toBeNull();
    await client.conference.desk.lowerHand('p-bob');
    expect(client.state.people['p-bob']?.handRaisedAt).toBeNull();
    server.tell('hand-raised', { participantId: 'p-bob', userName: 'Bob', raised: true, timestamp });
    await client.conference.desk.lowerAllHands();
    expect(client.state.people['p-bob']?.handRaisedAt).toBeNull();
  });
});

describe('the policy of a meeting, for somebody who does not run it', () => {
  beforeEach(() => {
    beginIn({ ...MEETING, creator_id: 'u-else' });
  });

  it('v1_13 screens left to hosts end ours at once', async () => {
    await joinWithBob();
    const screen = track('video');
    await client.conference.setScreen(screen, null);
    server.setPolicy({ screenSharePermissions: 'host' });
    await settle();
    expect(client.state.self.screen).toBe(false);
    expect((screen as unknown as FakeTrack).stopped).toBe(true);
    expect(client.told).toEqual(['You may not share your screen any more.']);
  });

  it('v1_13 cameras left to hosts turn ours off, and nothing turns it on again', async () => {
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    server.setPolicy({ disableCamera: true });
    await settle();
    expect(client.state.self.video).toBe(false);
    expect(server.heard.at(-1)?.payload).toMatchObject({ video: false });
    expect(client.told).toEqual(['Only hosts may turn their camera on now.']);
    server.setPolicy({ disableCamera: false });
    await settle();
    expect(client.state.self.video).toBe(false);
  });

  it('c_49 a meeting that wants silence gets it once, on entry', async () => {
    server.policy = { ...server.policy, muteOnEntry: true };
    void client.conference.setMicrophone(true, track('audio'));
    await joinWithBob();
    expect(client.state.self.audio).toBe(false);
    await client.conference.setMicrophone(true, track('audio'));
    client.link.lose();
    client.link.connect();
    await settle();
    expect(client.state).toMatchObject({ phase: 'inside', link: 'up', self: { audio: true } });
    expect(client.told.filter((text) => text.includes('muted'))).toHaveLength(1);
  });

  it('a camera that came along stays dark where only hosts are seen', async () => {
    server.policy = { ...server.policy, disableCamera: true };
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    expect(client.state.self.video).toBe(false);
    expect(client.session.published.has('camera')).toBe(false);
  });
});

const camera = { producerId: 'bob-cam', kind: 'video', source: 'camera' } as const;

describe('breakout rooms', () => {
  const meetingId = 'm1';
  const gone = () =>
    server.tell('producer-closed', {
      meetingId,
      participantId: 'p-bob',
      producerId: 'bob-cam',
      kind: 'video',
    });

  it('add_ev_50_add_ev_51 are entered without new media, and people of other rooms are off the stage', async () => {
    await joinWithBob();
    const me = client.state.self.participantId;
    server.divide([{ roomId: 'red' }, { roomId: 'blue' }]);
    expect(client.state.near).toEqual(['p-bob']);
    gone();
    server.place(me, 'red');
    expect(client.told).toContain('You are in red now.');
    expect(client.state.near).toEqual([]);
    expect(client.picture()).toBeNull();
    await client.conference.desk.returnFromRoom();
    server.tell('new-producer', { meetingId, participantId: 'p-bob', ...camera });
    await settle();
    expect(client.told).toContain('You are back in the main room.');
    expect(client.picture()).not.toBeNull();
    expect(client.sessions).toHaveLength(1);
  });

  it('add_ev_52 let a host speak to all of them, which nobody hears from himself', async () => {
    await joinWithBob();
    const said = { meetingId, message: 'Two minutes', timestamp: '' };
    server.tell('breakout-broadcast', { ...said, userId: 'u-host', userName: 'Hanna' });
    server.tell('breakout-broadcast', { ...said, userId: 'u-ada', userName: 'Ada' });
    expect(client.told).toEqual(['Hanna to all rooms: Two minutes']);
  });

  it('end a shared screen where none may be shown', async () => {
    await joinWithBob();
    const screen = track('video');
    await client.conference.setScreen(screen, null);
    server.divide([{ roomId: 'quiet', allowScreenShare: false }]);
    server.place(client.state.self.participantId, 'quiet');
    await settle();
    expect(client.state.self.screen).toBe(false);
    expect((screen as unknown as FakeTrack).stopped).toBe(true);
  });

  it('add_ev_54_add_ev_55_add_ev_56 are asked for by name', async () => {
    await joinWithBob();
    server.divide([{ roomId: 'red' }]);
    await client.conference.desk.place('p-bob', 'red');
    await client.conference.desk.place('p-bob', null);
    await client.conference.desk.chooseRoom('red');
    await client.conference.desk.returnFromRoom();
    const asked = server.heard.filter(({ name }) => name.includes('breakout'));
    expect(asked).toEqual([
      { name: 'assign-breakout', payload: { meetingId, participantId: 'p-bob', roomId: 'red' } },
      { name: 'assign-breakout', payload: { meetingId, participantId: 'p-bob', roomId: null } },
      { name: 'choose-breakout', payload: { meetingId, roomId: 'red' } },
      { name: 'return-from-breakout', payload: { meetingId } },
    ]);
  });
});
