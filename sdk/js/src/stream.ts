/** The event stream of one meeting: a socket, and the next one when it breaks. */
import type { Access } from './access.js';
import { MeetingError } from './error.js';
import { type Closed, isServerEvent, type MeetingEvents } from './events.js';
import type { EventData } from './generated/v1.js';
import type { Listeners } from './listeners.js';
import { pauseMs, type ReconnectOptions } from './pauses.js';
import type { WebSocketConstructor, WebSocketLike } from './platform.js';
import { camel } from './words.js';

export interface StreamSettings {
  meetingId: string;
  /** `wss://host/ws/meetings/{id}`, without the token. */
  url: string;
  access: Access;
  WebSocket: WebSocketConstructor;
  listeners: Listeners<MeetingEvents>;
  reconnect: Required<ReconnectOptions>;
  /** For one connection to open and enter, in milliseconds. */
  timeoutMs: number;
  /** The data of the message that enters the meeting; the same again after a loss. */
  join: Record<string, unknown>;
  /** Called when nothing will come back by itself. */
  over: () => void;
  /**
   * A socket that does not open says nothing about why. This asks: the refusal that makes further tries useless, if there is
   * one.
   */
  refusal: () => Promise<MeetingError | undefined>;
}

/** A ping this often, in milliseconds; servers and proxies close what is silent. */
const PING_MS = 25_000;
/** Nothing heard for this long, in milliseconds: two answers to pings are missing. */
const SILENCE_MS = 60_000;
/** A connection that lasted this long, in milliseconds, was one: tries are counted from the beginning again. */
const STABLE_MS = 5_000;

/** The token is no longer taken, which is not to say that the meeting is closed to its bearer. */
const TOKEN_CODE = 'UNAUTHORIZED';
/** Codes of a refused entry after which it may be otherwise in a moment; all others stay as they are. */
const PASSING_CODES = new Set([TOKEN_CODE, 'INTERNAL_ERROR', 'RATE_LIMIT_EXCEEDED', 'SERVICE_UNAVAILABLE']);
const FINAL_STATUSES = new Set([401, 403, 404, 410]);
/** RFC 6455: the server is done with this connection, on purpose. */
const NORMAL_CLOSURE = 1000;

type End = Omit<Closed, 'meetingId'>;

interface Loss {
  opened: boolean;
  lastedMs: number;
  code: number;
}

interface Message {
  type: string;
  data: object;
}

export class EventStream {
  /** Settled by the first connection: inside (or waiting for the host), or the reason why there will be none. */
  readonly opened: Promise<void>;
  private settle!: { open: () => void; refuse: (error: MeetingError) => void };
  private socket: WebSocketLike | undefined;
  private isOpen = false;
  private isOver = false;
  private again = false;
  private wake: (() => void) | undefined;
  /** The token of the connection there is or was. */
  private used = '';
  /** This session's id in the meeting, once it has one. */
  private me: string | undefined;
  /** What the server said before it closed, or before we do. */
  private told: End | undefined;

  constructor(private readonly settings: StreamSettings) {
    this.opened = new Promise((open, refuse) => {
      this.settle = { open, refuse };
    });
    // A stream opened for a listener has nobody who waits for it; whoever does gets the error all the same.
    this.opened.catch(() => {});
    void this.run();
  }

  send(type: string, data: Record<string, unknown>): void {
    if (!this.isOpen || !this.socket) {
      throw new MeetingError('the event stream of this meeting is not open', { code: 'CLOSED' });
    }
    const message = { type, meeting_id: this.settings.meetingId, data, timestamp: new Date().toISOString() };
    this.socket.send(JSON.stringify(message));
  }

  /** Leaves and closes; nothing comes back by itself. */
  close(): void {
    if (this.isOver) return;
    if (this.isOpen) this.send('leave', {});
    this.finish({ reason: 'closed' });
  }

  private async run(): Promise<void> {
    const { reconnect, listeners, meetingId } = this.settings;
    for (let attempt = 0; ; attempt += 1) {
      const loss = await this.connection();
      const end = this.isOver ? undefined : await this.endAfter(loss);
      if (this.isOver) return;
      if (end) return this.finish(end);
      if (loss.lastedMs >= STABLE_MS) attempt = 0;
      if (attempt >= reconnect.attempts) {
        const error = new MeetingError('the event stream could not be opened', { code: 'NETWORK_ERROR' });
        return this.finish({ reason: 'gave_up', error });
      }
      const delayMs = pauseMs(attempt, reconnect, Math.random());
      listeners.tell('reconnecting', { meetingId, attempt: attempt + 1, delayMs });
      await this.pause(delayMs);
      if (this.isOver) return;
    }
  }

  /** One connection, from its first byte until it is gone. */
  private connection(): Promise<Loss> {
    const { url, access, WebSocket, timeoutMs, join } = this.settings;
    return new Promise((gone) => {
      this.used = access.token;
      this.told = this.me = undefined;
      const socket = new WebSocket(`${url}?token=${encodeURIComponent(this.used)}`);
      this.socket = socket;
      let openedAt: number | undefined;
      let heardAt = Date.now();
      let pings: ReturnType<typeof setInterval> | undefined;
      const lose = (code: number) => {
        clearTimeout(tooLong);
        clearInterval(pings);
        // Kept: a socket that is closed while it opens reports that as an error once more.
        socket.onerror = () => {};
        socket.onopen = socket.onmessage = socket.onclose = null;
        this.isOpen = false;
        const lastedMs = openedAt === undefined ? 0 : Date.now() - openedAt;
        gone({ opened: openedAt !== undefined, lastedMs, code });
      };
      const drop = () => {
        socket.close();
        // The other side may be gone without a word, and then no close event comes for a long time.
        lose(0);
      };
      const tooLong = setTimeout(drop, timeoutMs);
      socket.onerror = () => {};
      socket.onclose = (event: { code?: number }) => lose(event.code ?? 0);
      socket.onopen = () => {
        if (this.isOver) return drop();
        openedAt = heardAt = Date.now();
        this.isOpen = true;
        this.send('join', join);
        pings = setInterval(() => {
          if (Date.now() - heardAt > SILENCE_MS) drop();
          else this.send('ping', {});
        }, PING_MS);
      };
      socket.onmessage = (event: { data?: unknown }) => {
        heardAt = Date.now();
        const message = parsed(event.data);
        if (!message || this.isOver) return;
        const entered = this.take(message);
        if (entered) clearTimeout(tooLong);
        // Refused or removed: the connection has no use, and the server keeps it.
        if (this.told && message.type !== 'meeting_ended') drop();
      };
    });
  }

  /** Takes one message; true when it says that one is inside now, or waits to be let in. */
  private take(message: Message): boolean {
    const { listeners, meetingId } = this.settings;
    const entered = this.me === undefined && this.enters(message);
    if (entered) {
      this.settle.open();
      listeners.tell('open', { meetingId, again: this.again });
      this.again = true;
    }
    if (message.type === 'joined') this.me = (message.data as EventData['joined']).participant_id;
    if (message.type === 'ping') this.send('pong', {});
    if (message.type === 'error') this.takeError(message.data as EventData['error']);
    if (message.type === 'meeting_ended') this.told = { reason: 'meeting_ended' };
    if (message.type === 'leave') {
      const { participant_id, reason } = message.data as EventData['leave'];
      if (participant_id === this.me) this.told = { reason: reason === 'kicked' ? 'removed' : 'closed' };
    }
    // The one place where what came over the wire is believed to have the described shape.
    if (isServerEvent(message.type)) listeners.tell(message.type, camel(message) as never);
    return entered;
  }

  private enters({ type, data }: Message): boolean {
    const { participant_id, is_in_waiting_room } = data as EventData['participant_update'];
    // Before one is inside, the only updates are about one's own wait.
    const mine = type === 'joined' || (type === 'participant_update' && is_in_waiting_room === true);
    if (mine) this.me = participant_id;
    return mine;
  }

  private takeError({ code, message, details, request }: EventData['error']): void {
    const error = new MeetingError(message, { code, details });
    // A token that is over is told without being asked; everything else ends the stream only when it refuses to let one in.
    const refused = request === 'join' || code === TOKEN_CODE;
    if (refused) this.told = refusedBy(error);
    this.settings.listeners.tell('error', error);
  }

  /** How the stream ends after this loss; undefined when it goes on. */
  private async endAfter(loss: Loss): Promise<End | undefined> {
    const { access, refusal } = this.settings;
    if (this.told?.error) {
      const { error } = this.told;
      if (error.code === TOKEN_CODE) return (await access.renewed(this.used, error)) ? undefined : this.told;
      return PASSING_CODES.has(error.code) ? undefined : this.told;
    }
    if (this.told) return this.told;
    if (loss.opened) return loss.code === NORMAL_CLOSURE ? { reason: 'closed' } : undefined;
    const error = await refusal();
    return error && FINAL_STATUSES.has(error.status) ? refusedBy(error) : undefined;
  }

  private finish(end: End): void {
    const { over, listeners, meetingId } = this.settings;
    this.isOver = true;
    this.isOpen = false;
    this.socket?.close(NORMAL_CLOSURE);
    this.wake?.();
    this.settle.refuse(end.error ?? new MeetingError('the event stream was closed', { code: 'CLOSED' }));
    over();
    listeners.tell('close', { meetingId, ...end });
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** An entry into what ended while the stream was away is refused too; for listeners that is the end of the meeting. */
function refusedBy(error: MeetingError): End {
  return { reason: error.code === 'MEETING_ENDED' ? 'meeting_ended' : 'refused', error };
}

function parsed(text: unknown): Message | undefined {
  try {
    const message: unknown = JSON.parse(String(text));
    if (!isObject(message) || typeof message.type !== 'string') return undefined;
    return { ...message, type: message.type, data: isObject(message.data) ? message.data : {} };
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
