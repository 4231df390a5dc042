/** What happens in a meeting, as listeners get it. */
import type { MeetingError } from './error.js';
import { type EventData, serverEvents } from './generated/v1.js';
import type { Camel } from './words.js';

/** A message of the server with its keys in our spelling. */
export interface MeetingEvent<Type extends keyof EventData> {
  type: Type;
  meetingId: string;
  /** Whom it is about; null when it is about the meeting. */
  userId: string | null;
  data: Camel<EventData[Type]>;
  /** ISO 8601, UTC. */
  timestamp: string;
}

/** What the server tells that is for listeners. */
export type ServerEvents = {
  [Type in (typeof serverEvents)[number]]: MeetingEvent<Type>;
};

export interface Opened {
  meetingId: string;
  /** Whether this is the return after a loss. What happened meanwhile was missed. */
  again: boolean;
}

export interface Reconnecting {
  meetingId: string;
  /** From 1. */
  attempt: number;
  delayMs: number;
}

export interface Closed {
  meetingId: string;
  /**
   * `closed`: by this side, or the session was left elsewhere. `removed`: by a host. `refused`: may not in, see the error.
   * `gave_up`: it did not come back after all tries.
   */
  reason: 'closed' | 'removed' | 'meeting_ended' | 'refused' | 'gave_up';
  /** Why, when it was not wanted. */
  error?: MeetingError;
}

/** What this side adds: about the connection, not about the meeting. */
export interface LocalEvents {
  /** What the server refuses on the stream. */
  error: MeetingError;
  open: Opened;
  reconnecting: Reconnecting;
  /** The stream of a meeting is over and will not come back by itself; once for each stream. */
  close: Closed;
}

export type MeetingEvents = ServerEvents & LocalEvents;

const names: ReadonlySet<string> = new Set(serverEvents);

export const isServerEvent = (name: string): name is keyof ServerEvents => names.has(name);
