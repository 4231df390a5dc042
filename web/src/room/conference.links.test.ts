// What a conference keeps when its link or its media go away, and how it gets the rest back.
import { describe, expect, it, vi } from 'vitest';
import { beginAnew, bob, client, joinWithBob, names, server, settle, track } from '../testing/conference';
import { spot } from './board';

beginAnew();

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
