import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatMessage, ChatRoom } from '../signaling/chat';
import type { WireMessage } from '../signaling/chatWire';
import { SignalingError } from '../signaling/errors';
import type { Meeting } from '../signaling/meeting';
import type { ChatRest } from '../signaling/restChat';
import { FakeServer } from '../testing/server';
import { Rooms } from './rooms';

const room = (roomId: string): ChatRoom => {
  const members = [{ userId: 'u-ada', userName: 'Ada' }];
  return { roomId, name: roomId, owner: 'u-ada', members, createdAt: '', last: null, unread: 0 };
};

const line = (id: string, sender = 'u-bob'): ChatMessage => {
  const text = { message: 'hi', timestamp: '2026-01-01T00:00:00Z', recipientType: 'all' as const };
  return { id, sender_id: sender, sender_name: sender, unseen: sender !== 'u-ada', ...text };
};

const heard = (roomId: string, messageId: string): { data: WireMessage } => ({
  data: { messageId, roomId, userId: 'u-bob', userName: 'Bob', content: 'hi', timestamp: 't', seen: false },
});

let server: FakeServer;
let rest: { [K in 'rooms' | 'lines' | 'send' | 'react']: ReturnType<typeof vi.fn> };
let rooms: Rooms;
let told: string[];

const settle = () => new Promise((done) => setTimeout(done));
const state = () => rooms.store.get();
const asked = (name: string) => server.heard.filter((one) => one.name === name).map(({ payload }) => payload);

beforeEach(async () => {
  server = new FakeServer({ id: 'm1' } as Meeting);
  told = [];
  rest = {
    rooms: vi.fn(async () => [room('a'), room('b')]),
    lines: vi.fn(async () => [line('1'), line('2', 'u-ada')]),
    send: vi.fn(async () => line('3', 'u-ada')),
    react: vi.fn(async () => undefined),
  };
  const link = server.connect('u-ada');
  // Rooms are outside of any meeting: what the server tells comes to this link all the same.
  link.participantId = 'nobody';
  rooms = new Rooms({
    signaling: link,
    rest: rest as unknown as ChatRest,
    ownId: 'u-ada',
    watched: () => true,
    notify: (text) => told.push(text),
    onLostLogin: () => undefined,
  });
  rooms.start();
  await settle();
});

describe('standing rooms', () => {
  it('are all listened to as soon as they are known', () => {
    expect(state().rooms?.map(({ roomId }) => roomId)).toEqual(['a', 'b']);
    expect(asked('join-chat-rooms')).toEqual([{ roomIds: ['a', 'b'] }]);
  });

  it('opened: its lines are read up, and those of others told as seen', async () => {
    await rooms.open('a');
    expect(state().lines.map(({ id }) => id)).toEqual(['1', '2']);
    expect(asked('mark-messages-seen')).toEqual([{ roomId: 'a', messageIds: ['1'] }]);
  });

  it('a line in another room counts as unread and brings that room to the top', async () => {
    await rooms.open('a');
    server.tell('new-chat-message', heard('b', '9'));
    server.tell('new-chat-message', heard('b', '9'));
    expect(state().rooms?.map(({ roomId, unread }) => [roomId, unread])).toEqual([
      ['b', 1],
      ['a', 0],
    ]);
    expect(state().lines).toHaveLength(2);
  });

  it('a sent line is there once, though the server tells it as well', async () => {
    await rooms.open('a');
    expect(await rooms.send('hi', [])).toBe(true);
    server.tell('new-chat-message', { data: { ...heard('a', '3').data, userId: 'u-ada' } });
    expect(state().lines.map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect(state().rooms?.[0]?.unread).toBe(0);
  });

  it('a refused line is told, so that the writer keeps it', async () => {
    await rooms.open('a');
    rest.send.mockRejectedValue(new SignalingError('Rate limit exceeded', { code: 'RATE_LIMIT_EXCEEDED' }));
    expect(await rooms.send('hi', [])).toBe(false);
    expect(told).toHaveLength(1);
  });

  it('who writes elsewhere is not shown here', async () => {
    await rooms.open('a');
    const bob = { userId: 'u-bob', userName: 'Bob', isTyping: true };
    server.tell('chat-user-typing', { ...bob, roomId: 'b' });
    expect(state().typists).toEqual([]);
    server.tell('chat-user-typing', { ...bob, roomId: 'a' });
    expect(state().typists).toHaveLength(1);
    server.tell('new-chat-message', heard('a', '9'));
    expect(state().typists).toEqual([]);
  });

  it('an answer for a room that is not open any more is thrown away', async () => {
    let answer: (lines: ChatMessage[]) => void = () => undefined;
    rest.lines.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    const first = rooms.open('a');
    await rooms.open('b');
    answer([line('late')]);
    await first;
    expect(state().lines.some(({ id }) => id === 'late')).toBe(false);
  });

  it('a notification about rooms asks for the list anew, a mention does not', async () => {
    server.tell('chat-notification', { type: 'mention', data: { roomId: 'a' } });
    await settle();
    expect(rest.rooms).toHaveBeenCalledTimes(1);
    server.tell('chat-notification', { type: 'new-chat', data: { roomId: 'c' } });
    await settle();
    expect(rest.rooms).toHaveBeenCalledTimes(2);
  });
});
