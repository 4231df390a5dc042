// What a conference receives of others: which pictures it asks for, and how good the way to it is.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LayerLimit } from '../signaling/events';
import type { TransportStats } from '../signaling/stats';
import { beginAnew, bob, client, joinWithBob, names, server, settle, track } from '../testing/conference';
import { spot } from './board';
import { SELF } from './state';

beginAnew();

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
