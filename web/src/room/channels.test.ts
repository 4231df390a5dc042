import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSession } from '../testing/media';
import { FakeServer } from '../testing/server';
import { Channels, type DataMessage } from './channels';

const meetingId = 'm1';
const cursor = { dataProducerId: 'd1', label: 'cursor', protocol: '' };
const opened = { meetingId, participantId: 'p-bob', ...cursor };
const settle = () => new Promise((resolve) => setTimeout(resolve));

function scene() {
  const server = new FakeServer({ id: meetingId } as ConstructorParameters<typeof FakeServer>[0]);
  const link = server.connect('u-me');
  const session = () =>
    new FakeSession(
      link,
      meetingId,
      () => ({}) as MediaStreamTrack,
      () => undefined,
    );
  const channels = new Channels();
  const heard: DataMessage[] = [];
  const end = channels.watch(link);
  return { server, link, session, channels, heard, end };
}

describe('channels between people', () => {
  it('add_ev_86_add_ev_89 receives only what somebody listens to', async () => {
    const { link, session, channels, heard } = scene();
    const media = session();
    channels.attach(media);
    link.deliver('new-data-producer', opened);
    link.deliver('new-data-producer', { ...opened, dataProducerId: 'd2', label: 'other' });
    expect([...media.received.keys()]).toEqual([]);
    const stop = channels.onData('cursor', (message) => heard.push(message));
    expect([...media.received.keys()]).toEqual(['d1']);
    media.say('d1', 'left a bit');
    expect(heard).toEqual([{ participantId: 'p-bob', content: 'left a bit' }]);
    stop();
    await settle();
    expect([...media.received.keys()]).toEqual([]);
  });

  it('add_ev_93 finds the channels that were there before, and again over the next session', async () => {
    const { link, session, channels, heard } = scene();
    channels.onData('cursor', (message) => heard.push(message));
    const bob = { participantId: 'p-bob', dataProducers: [cursor] };
    link.deliver('meeting-joined', { participants: [bob] } as never);
    const [first, second] = [session(), session()];
    channels.attach(first);
    expect([...first.received.keys()]).toEqual(['d1']);
    channels.attach(second);
    await settle();
    expect([[...first.received.keys()], [...second.received.keys()]]).toEqual([[], ['d1']]);
    second.say('d1', 'here');
    expect(heard).toHaveLength(1);
  });

  it.each([
    ['data-producer-closed', { meetingId, participantId: 'p-bob', dataProducerId: 'd1' }],
    ['participant-left', { participantId: 'p-bob', userName: 'Bob' }],
    ['media-reset', { meetingId }],
  ] as const)('add_ev_90 forgets a channel by %s', async (name, payload) => {
    const { link, session, channels, heard } = scene();
    const media = session();
    channels.attach(media);
    channels.onData('cursor', (message) => heard.push(message));
    link.deliver('new-data-producer', opened);
    expect([...media.received.keys()]).toEqual(['d1']);
    link.deliver(name, payload);
    await settle();
    expect([...media.received.keys()]).toEqual([]);
    channels.onData('cursor', () => undefined);
    expect([...media.received.keys()]).toEqual([]);
  });

  it('add_ev_85 sends over the session there is, and says when there is none', async () => {
    const { session, channels, end } = scene();
    await expect(channels.sendData('cursor', 'x')).rejects.toThrow('no media');
    const media = session();
    channels.attach(media);
    await channels.sendData('cursor', 'x', { ordered: false, maxRetransmits: 0 });
    expect(media.said).toEqual([
      { label: 'cursor', content: 'x', reliability: { ordered: false, maxRetransmits: 0 } },
    ]);
    end();
  });

  it('add_ev_87 gives a label back, and waits until the server knows', async () => {
    vi.useFakeTimers();
    const { link, session, channels } = scene();
    channels.watch(link);
    await channels.closeData('cursor');
    channels.attach(session());
    await channels.closeData('cursor');
    for (const text of ['a', 'b']) await channels.sendData('cursor', text);
    let over = 0;
    const close = () => void channels.closeData('cursor').then(() => over++);
    const closed = (dataProducerId: string) =>
      link.deliver('data-producer-closed', { meetingId, participantId: 'p-me', dataProducerId });
    close();
    closed('cursor-0');
    await vi.advanceTimersByTimeAsync(100);
    expect(over).toBe(0);
    closed('cursor-1');
    await vi.advanceTimersByTimeAsync(0);
    expect(over).toBe(1);
    // A word that never comes is not waited for.
    close();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(over).toBe(2);
    vi.useRealTimers();
  });

  describe('that are hard to receive', () => {
    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => void vi.useRealTimers());

    const listening = async (refusal: Error | null = null) => {
      const { server, link, session, channels, heard } = scene();
      const media = session();
      media.dataRefusal = refusal;
      channels.attach(media);
      channels.onData('cursor', (message) => heard.push(message));
      link.connect();
      link.deliver('new-data-producer', opened);
      await vi.advanceTimersByTimeAsync(0);
      const asked = () => media.receptions.get('d1')?.asked ?? 0;
      const givenBack = () =>
        server.heard.flatMap(({ name, payload }) => (name === 'close-data-consumer' ? [payload] : []));
      return { link, session, channels, heard, media, asked, givenBack };
    };
    const later = (ms: number) => vi.advanceTimersByTimeAsync(ms);

    it('add_ev_91 are received again after the server cut them off, with growing pauses', async () => {
      const { media, heard, asked } = await listening();
      media.receptions.get('d1')?.end();
      await later(900);
      expect(asked()).toBe(1);
      await later(200);
      expect(asked()).toBe(2);
      media.say('d1', 'again');
      expect(heard).toHaveLength(1);
      media.receptions.get('d1')?.end();
      await later(1_900);
      expect(asked()).toBe(2);
      await later(200);
      expect(asked()).toBe(3);
    });

    it('add_ev_91 are received again after the word of it alone, even before the answer', async () => {
      const { link, asked } = await listening();
      link.deliver('data-consumer-closed', { dataConsumerId: 'd1-1', reason: 'slow' });
      await later(1_000);
      expect(asked()).toBe(2);
      link.deliver('data-producer-closed', { meetingId, participantId: 'p-bob', dataProducerId: 'd1' });
      link.deliver('new-data-producer', opened);
      link.deliver('data-consumer-closed', { dataConsumerId: 'd1-3', reason: 'lost' });
      await later(1_000);
      expect(asked()).toBe(4);
    });

    it('are asked for only so many times, and again after each long success', async () => {
      const { media, asked } = await listening(new Error('Service unavailable'));
      await later(600_000);
      expect(asked()).toBe(6);
      const { media: other, asked: askedOther } = await listening();
      for (let round = 0; round < 10; round++) {
        await later(31_000);
        other.receptions.get('d1')?.end();
      }
      await later(1_000);
      expect(askedOther()).toBe(11);
      expect(media.received.size).toBe(0);
    });

    it('are not asked for again once they are gone', async () => {
      const { link, media, asked } = await listening();
      media.receptions.get('d1')?.end();
      link.deliver('data-producer-closed', { meetingId, participantId: 'p-bob', dataProducerId: 'd1' });
      await later(600_000);
      expect(asked()).toBe(1);
    });

    it('are asked for at once when the link is back', async () => {
      const { channels, media, asked, heard } = await listening(new Error('not connected'));
      await later(600_000);
      media.dataRefusal = null;
      const before = asked();
      channels.aimAgain();
      expect(asked()).toBe(before + 1);
      await later(0);
      media.say('d1', 'here');
      expect(heard).toHaveLength(1);
    });

    it('add_ev_88 are given back where the answer that they are ours got lost', async () => {
      const { link, media, asked, givenBack } = await listening(new Error('no answer'));
      link.deliver('data-consumed', { ...opened, dataConsumerId: 'lost', sctpStreamParameters: {} } as never);
      expect(givenBack()).toEqual([{ dataConsumerId: 'lost' }]);
      media.dataRefusal = null;
      const made = `d1-${asked() + 1}`;
      await later(1_000);
      link.deliver('data-consumed', { ...opened, dataConsumerId: made, sctpStreamParameters: {} } as never);
      await later(1_000);
      expect(givenBack()).toHaveLength(1);
      expect(media.received.size).toBe(1);
    });
  });
});
