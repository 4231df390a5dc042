/** What this package needs of the platform, in types of its own, so that its users need none of a browser. */
import { MeetingError } from './error.js';

/** The part of `fetch` that is used. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchAnswer>;

export interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
  /** An AbortSignal, to be handed on. */
  signal: never;
}

export interface FetchAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** The part of the standard `WebSocket` that is used; that of the package `ws` has it too. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;

interface Platform {
  fetch?: FetchLike;
  WebSocket?: WebSocketConstructor;
}

export function platformFetch(): FetchLike {
  const { fetch } = globalThis as unknown as Platform;
  if (!fetch) throw new TypeError('this platform has no fetch: give one as the option `fetch`');
  // Called as a method of something else a browser's fetch refuses.
  return (url, init) => fetch(url, init);
}

/** The one that was given, else the platform's. */
export function webSocketOf(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found = given ?? (globalThis as unknown as Platform).WebSocket;
  if (found) return found;
  throw new MeetingError(
    'this platform has no WebSocket (Node has one from version 22 on): give one as the option `webSocket`, ' +
      'for example that of the package `ws`',
    { code: 'WEBSOCKET_UNAVAILABLE' },
  );
}
