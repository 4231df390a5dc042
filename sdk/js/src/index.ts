/** Meetings of a Plenum server: `MeetingClient`, and `MeetingError` for what goes wrong. */
export type { RefreshToken } from './access.js';
export { MeetingClient, type MeetingClientOptions } from './client.js';
export { MeetingError } from './error.js';
export type {
  Closed,
  LocalEvents,
  MeetingEvent,
  MeetingEvents,
  Opened,
  Reconnecting,
  ServerEvents,
} from './events.js';
export type { EventData, Operations, ServerCode } from './generated/v1.js';
export type { ReconnectOptions } from './pauses.js';
export type { FetchAnswer, FetchInit, FetchLike, WebSocketConstructor, WebSocketLike } from './platform.js';
export type * from './types.js';
