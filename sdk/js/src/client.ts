/** The client: one method for each route of the API, and the events of the meetings one is in. */
import { Access, type RefreshToken } from './access.js';
import { MeetingError } from './error.js';
import { isServerEvent, type MeetingEvents } from './events.js';
import { Listeners } from './listeners.js';
import { RECONNECT, type ReconnectOptions } from './pauses.js';
import { type FetchLike, platformFetch, type WebSocketConstructor, webSocketOf } from './platform.js';
import { Requests } from './requests.js';
import { EventStream } from './stream.js';
import type * as Types from './types.js';
import { snake } from './words.js';

export interface MeetingClientOptions {
  /** Where the server is, without `/api`: `https://meet.example.com`. */
  apiUrl: string;
  /** An access token, as the login answers it. */
  token: string;
  /** Asked for another token when the server no longer takes this one. Without it, requests then fail with 401. */
  refreshToken?: RefreshToken;
  /** For one try of a request or connection, in milliseconds. Default 15 000. */
  timeoutMs?: number;
  /** How often a read is asked again after 429, 503 or no answer. Default 3; what changes something is never sent twice. */
  retries?: number;
  /** The longest wait for which a read is asked again, in milliseconds. Default 30 000; beyond, it fails with `retryAfter`. */
  retryWaitMaxMs?: number;
  /** How the event stream comes back after a loss. */
  reconnect?: ReconnectOptions;
  /** In place of the platform's. */
  fetch?: FetchLike;
  /** In place of the platform's; needed in Node before 22, where the package `ws` gives one. */
  webSocket?: WebSocketConstructor;
}

export class MeetingClient {
  private readonly requests: Requests;
  private readonly access: Access;
  private readonly apiUrl: string;
  private readonly options: MeetingClientOptions;
  private readonly listeners = new Listeners<MeetingEvents>();
  /** The meetings joined through this client with the options of the join, which a stream repeats when it comes back. */
  private readonly joined = new Map<string, Types.JoinOptions>();
  private readonly streams = new Map<string, EventStream>();
  private listening = false;

  constructor(options: MeetingClientOptions) {
    if (!/^https?:\/\//.test(options.apiUrl))
      throw new TypeError('apiUrl must begin with http:// or https://');
    this.options = options;
    this.apiUrl = options.apiUrl.replace(/\/+$/, '');
    this.access = new Access(options.token, options.refreshToken);
    this.requests = new Requests({
      apiUrl: this.apiUrl,
      access: this.access,
      fetch: options.fetch ?? platformFetch(),
      timeoutMs: options.timeoutMs ?? 15_000,
      retries: options.retries ?? 3,
      retryWaitMaxMs: options.retryWaitMaxMs ?? 30_000,
    });
  }

  /** Hosts only. */
  async startMeeting(meetingId: string): Promise<Types.MeetingStarted> {
    return this.requests.write('POST', path(meetingId, 'start'));
  }

  /** Ends it for everybody; hosts only. */
  async endMeeting(meetingId: string): Promise<Types.MeetingEnded> {
    return this.requests.write('POST', path(meetingId, 'end'));
  }

  async getStatus(meetingId: string): Promise<Types.MeetingStatus> {
    return this.requests.read(path(meetingId, 'status'));
  }

  /**
   * Enters the meeting. Where there is a waiting room the answer has the status `waiting`, which is no error: one is inside
   * once a host says so, and hears it as `participant_update`, or by joining again.
   */
  async joinMeeting(meetingId: string, options: Types.JoinOptions = {}): Promise<Types.Joined> {
    const joined = await this.requests.write<unknown>('POST', path(meetingId, 'join'), options);
    this.joined.set(meetingId, options);
    if (this.listening) this.stream(meetingId);
    return joined as Types.Joined;
  }

  async leaveMeeting(meetingId: string): Promise<Types.MeetingLeft> {
    const left = await this.requests.write<unknown>('POST', path(meetingId, 'leave'));
    this.close(meetingId);
    return left as Types.MeetingLeft;
  }

  /** Who is inside now; hosts also see who waits. */
  async getParticipants(meetingId: string): Promise<Types.Participant[]> {
    return this.requests.read(path(meetingId, 'participants'));
  }

  /** One's own microphone, camera, screen and hand; absent fields stay. Hosts name others with `participantUserId`. */
  async updateStatus(meetingId: string, change: Types.StatusChange): Promise<Types.ParticipantStatus> {
    return this.requests.write('PUT', path(meetingId, 'participants/status'), change);
  }

  async sendChatMessage(meetingId: string, message: Types.NewChatMessage): Promise<Types.ChatMessage> {
    return this.requests.write('POST', path(meetingId, 'chat'), message);
  }

  /** The newest `limit` messages after leaving out the `offset` newest, oldest first. */
  async getChatHistory(
    meetingId: string,
    part: { limit?: number; offset?: number } = {},
  ): Promise<Types.ChatMessage[]> {
    return this.requests.read(path(meetingId, 'chat'), { limit: part.limit, offset: part.offset });
  }

  /** Hosts only; creating again replaces the rooms there are. */
  async createBreakoutRooms(
    meetingId: string,
    wanted: Types.BreakoutRoomsWanted,
  ): Promise<Types.BreakoutRoom[]> {
    return this.requests.write('POST', path(meetingId, 'breakout-rooms'), wanted);
  }

  async assignToBreakoutRoom(
    meetingId: string,
    assignment: Types.BreakoutAssignment,
  ): Promise<Types.BreakoutAssigned> {
    return this.requests.write('POST', path(meetingId, 'breakout-rooms/assign'), assignment);
  }

  /** Which rooms are open, who is in which, and where one is oneself. */
  async getBreakoutRooms(meetingId: string): Promise<Types.BreakoutRooms> {
    return this.requests.read(path(meetingId, 'breakout-rooms'));
  }

  /** Back to the main room: oneself, or whom a host names. The rooms stay open. */
  async returnFromBreakoutRoom(
    meetingId: string,
    whom: Types.BreakoutReturn = {},
  ): Promise<Types.BreakoutRooms> {
    return this.requests.write('POST', path(meetingId, 'breakout-rooms/return'), whom);
  }

  /** Hosts only: a text for all rooms, which stands in the chat as an announcement. */
  async broadcastToBreakoutRooms(meetingId: string, message: string): Promise<Types.BreakoutBroadcast> {
    return this.requests.write('POST', path(meetingId, 'breakout-rooms/broadcast'), { message });
  }

  /** Hosts only; everybody is in the main room again. */
  async closeBreakoutRooms(meetingId: string): Promise<Types.BreakoutRoomsClosed> {
    return this.requests.write('DELETE', path(meetingId, 'breakout-rooms'));
  }

  async getLiveKitToken(meetingId: string, wanted: Types.TokenWanted): Promise<Types.LiveKitToken> {
    return this.requests.write('POST', path(meetingId, 'token'), wanted);
  }

  /** Hosts only; in force at once, also for those inside. Absent fields stay. */
  async applySecurityPolicy(meetingId: string, policy: Types.SecurityPolicy): Promise<null> {
    return this.requests.write('POST', path(meetingId, 'security/policy'), policy);
  }

  /**
   * Opens the event stream of a meeting and enters by it, or goes on with the session of `joinMeeting`. Resolves
   * when one is inside, or waits to be let in; after a loss it comes back by itself. Not needed after `joinMeeting` when somebody listens: see {@link on}.
   */
  async connect(meetingId: string, options?: Types.JoinOptions): Promise<void> {
    if (options) this.joined.set(meetingId, options);
    return this.stream(meetingId).opened;
  }

  /**
   * Listens. Listening to what happens in meetings opens the event stream of those joined with `joinMeeting`, now or later;
   * where there is no WebSocket that is a {@link MeetingError} here.
   */
  on<Name extends keyof MeetingEvents>(name: Name, listener: (event: MeetingEvents[Name]) => void): this {
    if (isServerEvent(name)) {
      webSocketOf(this.options.webSocket);
      this.listening = true;
    }
    this.listeners.on(name, listener);
    if (this.listening) for (const meetingId of this.joined.keys()) this.stream(meetingId);
    return this;
  }

  off<Name extends keyof MeetingEvents>(name: Name, listener: (event: MeetingEvents[Name]) => void): this {
    this.listeners.off(name, listener);
    return this;
  }

  /** A reaction over the event stream, which must be open. `duration` is in seconds. */
  sendReaction(meetingId: string, reactionType: string, { duration = 3 }: { duration?: number } = {}): void {
    const stream = this.streams.get(meetingId);
    if (!stream) throw new MeetingError('the event stream of this meeting is not open', { code: 'CLOSED' });
    stream.send('reaction', { reaction_type: reactionType, duration });
  }

  /** Closes the event stream of this meeting, or of all, and leaves what it had entered. */
  close(meetingId?: string): void {
    const which = meetingId === undefined ? [...this.joined.keys(), ...this.streams.keys()] : [meetingId];
    for (const one of which) {
      this.joined.delete(one);
      this.streams.get(one)?.close();
    }
  }

  private stream(meetingId: string): EventStream {
    const open = this.streams.get(meetingId);
    if (open) return open;
    const stream = new EventStream({
      meetingId,
      url: this.apiUrl.replace(/^http/, 'ws') + socketPath(meetingId),
      access: this.access,
      WebSocket: webSocketOf(this.options.webSocket),
      listeners: this.listeners,
      reconnect: { ...RECONNECT, ...this.options.reconnect },
      timeoutMs: this.options.timeoutMs ?? 15_000,
      join: joinMessage(this.joined.get(meetingId) ?? {}),
      refusal: () => this.refusal(meetingId),
      over: () => {
        this.joined.delete(meetingId);
        this.streams.delete(meetingId);
      },
    });
    this.streams.set(meetingId, stream);
    return stream;
  }

  /**
   * Why a socket was not opened: asked for in plain HTTP, its address refuses in words whom it refuses, and tells everybody
   * else that this is no handshake.
   */
  private async refusal(meetingId: string): Promise<MeetingError | undefined> {
    try {
      await this.requests.read(socketPath(meetingId));
      return undefined;
    } catch (error) {
      return error instanceof MeetingError ? error : undefined;
    }
  }
}

const socketPath = (meetingId: string) => `/ws/meetings/${encodeURIComponent(meetingId)}`;

/** A route below one meeting. */
function path(meetingId: string, rest: string): string {
  if (meetingId === '') throw new TypeError('a meeting id is needed');
  return `/api/v1/meetings/${encodeURIComponent(meetingId)}/${rest}`;
}

/** The wishes of a join as the message over the stream has them. */
function joinMessage({ deviceType, ...options }: Types.JoinOptions): Record<string, unknown> {
  const { navigator } = globalThis as { navigator?: { userAgent?: string } };
  const device = { device_type: deviceType ?? 'unknown', browser_info: navigator?.userAgent ?? 'unknown' };
  return { ...(snake(options) as Record<string, unknown>), device_info: device };
}
