// A conference under test: one client, the server it talks to and the media it has, all of them fakes and new for each test.
import { afterEach, beforeEach, vi } from 'vitest';
import { spot } from '../room/board';
import { Conference } from '../room/conference';
import type { ChatMessage } from '../signaling/chat';
import type { PresentParticipant } from '../signaling/events';
import type { Meeting } from '../signaling/meeting';
import { FakeSession, FakeTrack } from './media';
import { type FakeLink, FakeServer } from './server';

export const MEETING = { id: 'm1', meeting_name: 'Standup', creator_id: 'u-ada' } as Meeting;

/** Somebody else in the meeting, who sends sound and pictures. */
export function bob(more: Partial<PresentParticipant> = {}): PresentParticipant {
  const producers = [
    { producerId: 'bob-mic', kind: 'audio', source: 'microphone' } as const,
    { producerId: 'bob-cam', kind: 'video', source: 'camera' } as const,
  ];
  const who = { participantId: 'p-bob', userId: 'u-bob', userName: 'Bob' };
  return { ...who, audio: true, video: true, screen: false, producers, ...more };
}

export const track = (kind: string, muted = false) =>
  new FakeTrack(kind, muted) as unknown as MediaStreamTrack;

/** One client with everything it touches; tracks of later sessions arrive without frames until told to flow. */
export class Client {
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

/** Those of the test that runs. */
export let server: FakeServer;
export let client: Client;

/** To be called once by a file of tests: each of them begins anew, on a clock that stands still. */
export function beginAnew(): void {
  beforeEach(() => {
    vi.useFakeTimers();
    beginIn(MEETING);
  });
  afterEach(() => vi.useRealTimers());
}

/** Nobody has joined this meeting yet. */
export function beginIn(meeting: Meeting): void {
  server = new FakeServer(meeting);
  client = new Client(server);
}

/** What is due now happens. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

/** Our client enters a meeting that Bob is in. */
export async function joinWithBob(): Promise<void> {
  server.add(bob());
  client.conference.join();
  await settle();
}

/** The names of the requests that the server has heard. */
export function names(): string[] {
  return server.heard.map(({ name }) => name);
}
