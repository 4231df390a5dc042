import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatMessage } from '../signaling/chat';
import type { LayerLimit, PresentParticipant } from '../signaling/events';
import type { Meeting } from '../signaling/meeting';
import type { TransportStats } from '../signaling/stats';
import { FakeSession, FakeTrack } from '../testing/media';
import { type FakeLink, FakeServer } from '../testing/server';
import { spot } from './board';
import { Conference } from './conference';
import { SELF } from './state';

const MEETING = { id: 'm1', meeting_name: 'Standup', creator_id: 'u-ada' } as Meeting;

function bob(more: Partial<PresentParticipant> = {}): PresentParticipant {
  const producers = [
    { producerId: 'bob-mic', kind: 'audio', source: 'microphone' } as const,
    { producerId: 'bob-cam', kind: 'video', source: 'camera' } as const,
  ];
  const who = { participantId: 'p-bob', userId: 'u-bob', userName: 'Bob' };
  return { ...who, audio: true, video: true, screen: false, producers, ...more };
}

const track = (kind: string, muted = false) => new FakeTrack(kind, muted) as unknown as MediaStreamTrack;

/** One client with everything it touches; tracks of later sessions arrive without frames until told to flow. */
class Client {
  readonly backend = {
    history: async (): Promise<ChatMessage[]> => [],
    edit: vi.fn(async () => undefined),
    remove: vi.fn(async () => undefined),
    react: vi.fn(async () => undefined),
  };
  readonly told: string[] = [];
  readonly sessions: FakeSession[] = [];
  readonly conference: Conference;
  readonly link: FakeLink;
  lostLogin = 0;
  mediaRefusals = 0;

  constructor(server: FakeServer) {
    this.link = server.connect('u-ada');
    this.conference = new Conference(
      { meetingId: 'm1', userId: 'u-ada', userName: 'Ada' },
      {
        signaling: this.link,
        openMedia: async (_config, onFailed) => {
          if (this.mediaRefusals-- > 0) throw new Error('no media node');
          const late = this.sessions.length > 0;
          const session = new FakeSession(this.link, 'm1', ({ kind }) => track(kind, late), onFailed);
          this.sessions.push(session);
          return session;
        },
        chat: this.backend,
        notify: (text) => this.told.push(text),
        onLostLogin: () => {
          this.lostLogin++;
        },
      },
    );
  }

  get state() {
    return this.conference.store.get();
  }

  get session(): FakeSession {
    const session = this.sessions.at(-1);
    if (!session) throw new Error('no media session yet');
    return session;
  }

  /** The first frames of a producer arrive. */
  flow(producerId: string): FakeTrack {
    const received = this.session.subscriptions.get(producerId);
    if (!received) throw new Error(`${producerId} is not received`);
    const fresh = received.track as unknown as FakeTrack;
    fresh.flow();
    return fresh;
  }

  picture(key = 'p-bob') {
    return this.conference.board.get(spot(key, 'camera'));
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0);

let server: FakeServer;
let client: Client;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer(MEETING);
  client = new Client(server);
});
afterEach(() => vi.useRealTimers());

async function joinWithBob(): Promise<void> {
  server.add(bob());
  client.conference.join();
  await settle();
}

function names(): string[] {
  return server.heard.map(({ name }) => name);
}

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

describe('what is received', () => {
  it('asks for pictures only while their tile is on screen, in the layer of its size', async () => {
    await joinWithBob();
    const camera = client.session.subscriptions.get('bob-cam');
    expect(camera?.paused).toBe(true);
    client.conference.receiving.view(spot('p-bob', 'camera'), { width: 320, height: 180 }, 1);
    expect(camera).toMatchObject({ paused: false, view: { width: 320, height: 180, layer: 0 } });
    client.conference.receiving.view(spot('p-bob', 'camera'), { width: 1280, height: 720 }, 1);
    expect(camera?.view?.layer).toBe(2);
    client.conference.receiving.view(spot('p-bob', 'camera'), null, 1);
    expect(camera?.paused).toBe(true);
  });

  it('says what was pinned, and takes that back', async () => {
    await joinWithBob();
    const camera = client.session.subscriptions.get('bob-cam');
    client.conference.receiving.pin(spot('p-bob', 'camera'));
    expect(camera?.priority).toBe(10);
    client.conference.receiving.pin(null);
    expect(camera?.priority).toBe(1);
  });

  it('knows why nothing of a picture comes, until it comes again or is gone', async () => {
    await joinWithBob();
    const at = spot('p-bob', 'camera');
    const { board } = client.conference;
    const consumerId = client.session.subscriptions.get('bob-cam')?.consumerId ?? '';
    const told = (spatialLayer: number | null, limitedBy: 'bandwidth' | 'last-n' | null) =>
      client.link.deliver('consumer-layers-changed', { consumerId, spatialLayer, limitedBy });
    told(0, 'bandwidth');
    expect(board.heldBack(at)).toBeNull();
    told(null, 'bandwidth');
    expect(board.heldBack(at)).toBe('bandwidth');
    told(null, 'last-n');
    expect(board.heldBack(at)).toBe('last-n');
    told(1, null);
    expect(board.heldBack(at)).toBeNull();
    told(null, 'bandwidth');
    server.remove('p-bob');
    expect(board.heldBack(at)).toBeNull();
  });

  it('lets the session know what of our tracks is watched', async () => {
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    client.link.deliver('producer-layers', { producerId: 'some', highestLayer: null });
    expect(client.session.watches.get('some')).toBeNull();
  });

  it('takes a picture away when its producer closes, and everything when the person leaves', async () => {
    await joinWithBob();
    const camera = client.session.subscriptions.get('bob-cam');
    server.tell('producer-closed', {
      meetingId: 'm1',
      participantId: 'p-bob',
      producerId: 'bob-cam',
      kind: 'video',
    });
    expect(client.picture()).toBeNull();
    expect(camera?.closed).toBe(true);
    server.remove('p-bob');
    expect(client.conference.board.heard()).toEqual([]);
  });

  it('tries a refused consume again a little later, and not for ever', async () => {
    server.refusals.set('consume', 'Service unavailable');
    await joinWithBob();
    await vi.advanceTimersByTimeAsync(30_000);
    const tries = names().filter((name) => name === 'consume').length;
    expect(tries).toBe(10);
    expect(client.picture()).toBeNull();
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

describe('a resumed link', () => {
  it('keeps the place, the media and the people: nothing is joined again', async () => {
    await joinWithBob();
    const before = client.state.self.participantId;
    client.link.drop();
    expect(client.state.link).toBe('down');
    client.link.resume();
    await settle();
    expect(client.state.link).toBe('up');
    expect(client.state.self.participantId).toBe(before);
    expect(client.sessions).toHaveLength(1);
    expect(names().filter((name) => name === 'join-meeting')).toHaveLength(1);
  });

  it('says again how large pictures are and what is pinned, which nobody heard meanwhile', async () => {
    await joinWithBob();
    const picture = client.session.subscriptions.get('bob-cam');
    if (!picture) throw new Error('bob is not received');
    const away = () => Promise.reject(new Error('no link'));
    vi.spyOn(picture, 'setView').mockImplementation(away);
    vi.spyOn(picture, 'setPriority').mockImplementation(away);
    const { receiving } = client.conference;
    client.link.drop();
    receiving.view(spot('p-bob', 'camera'), { width: 320, height: 180 }, 2);
    receiving.pin(spot('p-bob', 'camera'));
    await settle();
    vi.restoreAllMocks();
    expect([picture.view, picture.priority]).toEqual([null, 1]);
    client.link.resume();
    await settle();
    expect(picture.view).toMatchObject({ width: 640, height: 360 });
    expect(picture.priority).toBeGreaterThan(1);
  });

  it('asks again for the messages that it could not have while the link was away', async () => {
    await joinWithBob();
    const meetingId = 'm1';
    const channel = { dataProducerId: 'd1', label: 'cursor', protocol: '' };
    client.link.deliver('new-data-producer', { meetingId, participantId: 'p-bob', ...channel });
    client.link.drop();
    client.session.dataRefusal = new Error('no link');
    client.conference.channels.onData('cursor', () => undefined);
    await vi.advanceTimersByTimeAsync(60_000);
    client.session.dataRefusal = null;
    expect(client.session.received.size).toBe(0);
    client.link.resume();
    expect(client.session.received.size).toBe(1);
  });

  it('goes on waiting at the door without knocking twice', async () => {
    server.waitingRoom = true;
    client.conference.join();
    await settle();
    client.link.drop();
    client.link.resume();
    await settle();
    expect(client.state.phase).toBe('waiting');
    expect(names().filter((name) => name === 'join-meeting')).toHaveLength(1);
  });
});

describe('connections', () => {
  it('knows the quality of those who were there before', async () => {
    server.add(bob({ connectionQuality: 'fair' }));
    client.conference.join();
    await settle();
    expect(client.state.people['p-bob']?.quality).toBe('fair');
  });

  const asked = () => server.heard.filter(({ name }) => name === 'get-stats').map(({ payload }) => payload);
  const way = (transportId: string, more: Partial<TransportStats> = {}): TransportStats => {
    const direction = transportId === 't-send' ? 'send' : 'recv';
    return { transportId, direction, roundTripTime: 0.02, fractionLost: 0, sending: null, ...more };
  };

  it('asks for the numbers of its two ways alone, and of somebody else by name', async () => {
    await joinWithBob();
    const sending = { picturesLimited: 1, picturesWithheld: 0 };
    const transports = [way('t-send', { fractionLost: 0.5 }), way('t-recv', { roundTripTime: 0.1, sending })];
    server.measured.set(client.state.self.participantId, { transports });
    const own = await client.conference.connection(SELF);
    expect(own).toEqual({ lossPercent: 50, roundTripMs: 100, slow: true });
    expect(await client.conference.connection('p-bob')).toMatchObject({ slow: false });
    expect(asked()).toEqual([
      { meetingId: 'm1', transportId: 't-send' },
      { meetingId: 'm1', transportId: 't-recv' },
      { meetingId: 'm1', participantId: 'p-bob' },
    ]);
  });

  it('asks nothing of somebody who is not there', async () => {
    await joinWithBob();
    expect(await client.conference.connection('p-cleo')).toBeNull();
    expect(asked()).toEqual([]);
  });

  describe('of a picture that was held back', () => {
    const at = spot('p-bob', 'camera');
    let consumerId = '';
    const heldBack = () => client.conference.board.heldBack(at);
    const told = (spatialLayer: number | null, limitedBy: LayerLimit | null = 'bandwidth') =>
      client.link.deliver('consumer-layers-changed', { consumerId, spatialLayer, limitedBy });
    const measured = (currentLayer: { spatialLayer: number } | null) => {
      const track = { consumerId, currentLayer, targetLayer: { spatialLayer: 0 }, limitedBy: 'bandwidth' };
      server.measured.set(client.state.self.participantId, { consumers: [track] });
    };

    beforeEach(async () => {
      await joinWithBob();
      client.conference.receiving.view(at, { width: 320, height: 180 }, 1);
      consumerId = client.session.subscriptions.get('bob-cam')?.consumerId ?? '';
    });

    it('sees that it comes although nobody said so', async () => {
      told(null);
      measured({ spatialLayer: 0 });
      await client.conference.connection(SELF);
      expect(heldBack()).toBeNull();
      expect(asked().at(-1)).toEqual({ meetingId: 'm1', consumerId });
    });

    it('does not hide one that is on its way to another layer', async () => {
      told(0);
      measured(null);
      await client.conference.connection(SELF);
      expect(heldBack()).toBeNull();
    });

    it('believes what was told after it had asked', async () => {
      told(null);
      measured({ spatialLayer: 0 });
      const request = client.link.request.bind(client.link);
      vi.spyOn(client.link, 'request').mockImplementation(async (name, payload) => {
        const answer = await request(name, payload);
        if ('consumerId' in payload) told(null);
        return answer;
      });
      await client.conference.connection(SELF);
      expect(heldBack()).toBe('bandwidth');
    });

    it('takes turns where there are several, and leaves alone what is not on screen', async () => {
      const screen = { producerId: 'bob-screen', kind: 'video', source: 'screen' } as const;
      server.announce('p-bob', screen);
      await settle();
      client.conference.receiving.view(spot('p-bob', 'screen'), { width: 640, height: 360 }, 1);
      const second = client.session.subscriptions.get('bob-screen')?.consumerId ?? '';
      told(null);
      client.link.deliver('consumer-layers-changed', {
        consumerId: second,
        spatialLayer: null,
        limitedBy: 'last-n',
      });
      for (let look = 0; look < 3; look++) await client.conference.connection(SELF);
      client.conference.receiving.view(at, null, 1);
      await client.conference.connection(SELF);
      const whose = asked().flatMap((payload) => ('consumerId' in payload ? [payload.consumerId] : []));
      expect(whose).toEqual([consumerId, second, consumerId, second]);
    });
  });
});

describe('a broken link', () => {
  it('rejoins with a new participant id and sends everything again', async () => {
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    const before = client.state.self.participantId;
    client.link.lose();
    expect(client.state.link).toBe('down');
    client.link.connect();
    await settle();
    expect(client.state.link).toBe('up');
    expect(client.state.self.participantId).not.toBe(before);
    expect(client.sessions).toHaveLength(2);
    expect(client.session.published.has('camera')).toBe(true);
  });

  it('raises the hand again that was up before', async () => {
    await joinWithBob();
    await client.conference.setHand(true);
    client.link.lose();
    client.link.connect();
    await settle();
    expect(names().filter((name) => name === 'raise-hand')).toHaveLength(2);
    expect(client.state.self.handRaisedAt).not.toBeNull();
  });

  it('keeps the old picture until the new one flows', async () => {
    await joinWithBob();
    const old = client.picture();
    client.link.lose();
    client.link.connect();
    await settle();
    expect(client.picture()).toBe(old);
    expect(client.flow('bob-cam')).toBe(client.picture());
    expect(client.picture()).not.toBe(old);
  });

  it('closes the old session after the new one has taken over', async () => {
    await joinWithBob();
    const [old] = client.sessions;
    client.link.lose();
    client.link.connect();
    await settle();
    expect(old?.closed).toBe(false);
    await vi.advanceTimersByTimeAsync(6_000);
    expect(old?.closed).toBe(true);
    expect(client.session.closed).toBe(false);
  });

  it('keeps people on screen whom the server does not know yet, and lets them go after a while', async () => {
    await joinWithBob();
    const old = client.picture();
    client.link.lose();
    server.people.delete('p-bob');
    client.link.connect();
    await settle();
    expect(client.picture()).toBe(old);
    await vi.advanceTimersByTimeAsync(9_000);
    expect(client.state.order).toEqual([]);
    expect(client.picture()).toBeNull();
  });

  it('gives a person who returns under a new id their place and then their new picture', async () => {
    await joinWithBob();
    const old = client.picture();
    client.link.lose();
    server.people.delete('p-bob');
    client.link.connect();
    await settle();
    const producers = [{ producerId: 'bob-cam-2', kind: 'video', source: 'camera' } as const];
    server.add(bob({ participantId: 'p-bob-2', producers }));
    await settle();
    expect(client.state.order).toEqual(['p-bob']);
    expect(client.picture()).toBe(old);
    client.flow('bob-cam-2');
    expect(client.picture()).not.toBe(old);
  });

  it('tries again when the rejoin is refused for a passing reason', async () => {
    await joinWithBob();
    client.link.lose();
    server.refusals.set('join-meeting', 'Service unavailable');
    client.link.connect();
    await settle();
    expect(client.state.phase).toBe('inside');
    server.refusals.clear();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(client.state).toMatchObject({ phase: 'inside', link: 'up' });
  });

  it('learns at the rejoin that the meeting has ended meanwhile', async () => {
    await joinWithBob();
    client.link.lose();
    server.refusals.set('join-meeting', 'Meeting has ended');
    client.link.connect();
    await settle();
    expect(client.state.phase).toBe('ended');
  });
});

describe('lost media', () => {
  it('add_ev_13 makes new transports on media-reset and shows the old picture until the new one flows', async () => {
    void client.conference.setCamera(track('video'));
    await joinWithBob();
    const old = client.picture();
    server.tell('media-reset', { meetingId: 'm1' });
    await settle();
    expect(client.sessions).toHaveLength(2);
    expect(client.session.published.has('camera')).toBe(true);
    expect(client.picture()).toBe(old);
    server.announce('p-bob', { producerId: 'bob-cam-2', kind: 'video', source: 'camera' });
    await settle();
    client.flow('bob-cam-2');
    expect(client.picture()).not.toBe(old);
    expect(client.state.mediaRestarting).toBe(false);
  });

  it('makes media anew when a transport fails, again and again until it works', async () => {
    await joinWithBob();
    client.mediaRefusals = 2;
    client.session.fail();
    expect(client.state.mediaRestarting).toBe(true);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.sessions).toHaveLength(2);
    expect(client.state.mediaRestarting).toBe(false);
    expect([...client.session.subscriptions.keys()]).toEqual(['bob-mic', 'bob-cam']);
  });

  it('does not listen to a session that was replaced', async () => {
    await joinWithBob();
    const [old] = client.sessions;
    server.tell('media-reset', { meetingId: 'm1' });
    await settle();
    old?.fail();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.sessions).toHaveLength(2);
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

describe('the policy of a meeting, for somebody who does not run it', () => {
  beforeEach(() => {
    server = new FakeServer({ ...MEETING, creator_id: 'u-else' });
    client = new Client(server);
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

const camera = { producerId: 'bob-cam', kind: 'video', source: 'camera' } as const;
