import { describe, expect, it } from 'vitest';
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
  return { link, session, channels, heard, end };
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
});
