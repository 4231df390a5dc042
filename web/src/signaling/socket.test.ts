import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readable, SignalingError } from './errors';
import type { LinkState } from './events';
import { type SocketLike, SocketSignaling } from './socket';

type Ack = (error: Error | null, reply: { success: boolean; [key: string]: unknown }) => void;

/** A socket whose other end is the test. */
class TestSocket {
  connected = false;
  active = true;
  recovered = false;
  connects = 0;
  readonly sent: { event: string; payload: object; ack: Ack; deadline: number }[] = [];
  private readonly handlers = new Map<string, Set<(...args: never[]) => void>>();

  connect() {
    this.connects++;
    return this;
  }

  disconnect() {
    this.connected = false;
    return this;
  }

  on(event: string, handler: (...args: never[]) => void) {
    this.handlers.set(event, (this.handlers.get(event) ?? new Set()).add(handler));
  }

  off(event: string, handler: (...args: never[]) => void) {
    this.handlers.get(event)?.delete(handler);
  }

  timeout(deadline: number) {
    return {
      emit: (event: string, payload: object, ack: Ack) => {
        this.sent.push({ event, payload, ack, deadline });
      },
    };
  }

  fire(event: string, ...args: unknown[]) {
    if (event === 'connect') this.connected = true;
    if (event === 'disconnect') this.connected = false;
    for (const handler of this.handlers.get(event) ?? []) handler(...(args as never[]));
  }
}

let socket: TestSocket;
let signaling: SocketSignaling;
let states: LinkState['state'][];

beforeEach(() => {
  vi.useFakeTimers();
  socket = new TestSocket();
  signaling = new SocketSignaling(socket as unknown as SocketLike);
  states = [];
  signaling.onLink(({ state }) => states.push(state));
});
afterEach(() => vi.useRealTimers());

it('says whether a link goes on where a lost one stopped', () => {
  const resumed: boolean[] = [];
  signaling.onLink((link) => link.state === 'connected' && resumed.push(link.resumed));
  socket.fire('connect');
  socket.fire('disconnect', 'transport close');
  socket.recovered = true;
  socket.fire('connect');
  expect(resumed).toEqual([false, true]);
});

describe('requests', () => {
  const leave = () => signaling.request('leave-meeting', { meetingId: 'm1' });
  const last = () => socket.sent.at(-1) as TestSocket['sent'][number];

  it('c_45 resolves with the payload of a successful acknowledgement', async () => {
    socket.fire('connect');
    const answer = signaling.request('produce', {
      meetingId: 'm1',
      kind: 'audio',
      source: 'microphone',
      rtpParameters: { codecs: [] },
    });
    expect(last()).toMatchObject({ event: 'produce', payload: { kind: 'audio', source: 'microphone' } });
    last().ack(null, { success: true, producerId: 'p1' });
    await expect(answer).resolves.toMatchObject({ producerId: 'p1' });
  });

  it('c_45 rejects with the words and the code of a refusal', async () => {
    socket.fire('connect');
    const answer = leave();
    last().ack(null, { success: false, error: 'Access denied', message: 'Access denied', code: 'X' });
    await expect(answer).rejects.toMatchObject({ message: 'Access denied', code: 'X' });
  });

  it('rejects when no acknowledgement came in time', async () => {
    socket.fire('connect');
    const answer = leave();
    last().ack(new Error('operation has timed out'), { success: false });
    await expect(answer).rejects.toMatchObject({ code: 'TIMED_OUT' });
  });

  it('rejects at once without a connection instead of buffering', async () => {
    await expect(leave()).rejects.toMatchObject({ code: 'NOT_CONNECTED' });
    expect(socket.sent).toHaveLength(0);
  });

  it('waits longer for a join than for anything else, because a waiting room may hold it', () => {
    socket.fire('connect');
    void signaling
      .request('join-meeting', { meetingId: 'm', userId: 'u', userName: 'n' })
      .catch(() => undefined);
    const join = last().deadline;
    void leave().catch(() => undefined);
    expect(join).toBeGreaterThan(last().deadline);
  });
});

describe('the link', () => {
  it('tells when it is up, lost and up again', () => {
    socket.fire('connect');
    socket.fire('disconnect', 'transport close');
    socket.fire('connect');
    expect(states).toEqual(['connected', 'lost', 'connected']);
  });

  it('leaves reconnecting to socket.io while that is active', () => {
    socket.fire('connect');
    socket.fire('disconnect', 'ping timeout');
    vi.advanceTimersByTime(60_000);
    expect(socket.connects).toBe(0);
  });

  it('add_ev_17 connects again itself after the server said goodbye, when it asked to', () => {
    socket.fire('connect');
    socket.fire('server-draining', { reconnectAfterMs: 3_000 });
    socket.active = false;
    socket.fire('disconnect', 'io server disconnect');
    vi.advanceTimersByTime(2_999);
    expect(socket.connects).toBe(0);
    vi.advanceTimersByTime(1);
    expect(socket.connects).toBe(1);
  });

  it('kcs_ws_03 is refused for good when the token is no good', () => {
    socket.active = false;
    socket.fire('connect_error', new Error('Token expired'));
    vi.advanceTimersByTime(60_000);
    expect(states).toEqual(['refused']);
    expect(socket.connects).toBe(0);
  });

  it('tries again when the server refused for another reason', () => {
    socket.active = false;
    socket.fire('connect_error', new Error('Service unavailable'));
    vi.advanceTimersByTime(2_000);
    expect(states).toEqual(['lost']);
    expect(socket.connects).toBe(1);
  });

  it('is silent about a goodbye of our own', () => {
    socket.fire('connect');
    socket.fire('disconnect', 'io client disconnect');
    expect(states).toEqual(['connected']);
  });
});

it('hands events on until told to stop', () => {
  const heard: string[] = [];
  const stop = signaling.on('participant-left', ({ participantId }) => heard.push(participantId));
  socket.fire('participant-left', { participantId: 'a', userName: 'A' });
  stop();
  socket.fire('participant-left', { participantId: 'b', userName: 'B' });
  expect(heard).toEqual(['a']);
});

describe('readable', () => {
  it.each([
    ['Meeting is full', 'This meeting is full. Try again when somebody has left.'],
    ['Invalid meeting password', 'That is not the password of this meeting.'],
    ['Something nobody foresaw', 'Something nobody foresaw'],
  ])('says "%s" in plain words', (words, sentence) => {
    expect(readable(new SignalingError(words))).toBe(sentence);
  });

  it('names the wait of a rate limit', () => {
    const error = new SignalingError('Rate limit exceeded', {
      status: 429,
      code: 'RATE_LIMIT_EXCEEDED',
      retryAfterSeconds: 7,
    });
    expect(readable(error)).toContain('7 s');
  });
});
