// The Socket.IO link: requests with acknowledgements and deadlines, and a state that says whether it is up.
import { io, type Socket } from 'socket.io-client';
import { isLostLogin, NOT_CONNECTED, SignalingError, TIMED_OUT } from './errors';
import type { LinkState, RequestName, Requests, ServerEventName, ServerEvents, Signaling } from './events';

/** A request unanswered for so long is reported to the person instead of waiting on. */
const ANSWER_MS_MAX = 10_000;
/** A waiting room may keep a join open; the acknowledgement then comes at admission. */
const JOIN_ANSWER_MS_MAX = 15_000;
/** After a refusal that is not about the login (server starting, too many connections). */
const REFUSED_RETRY_MS = 2_000;

interface Ack {
  success: boolean;
  error?: string;
  message?: string;
  code?: string;
}

/** What of socket.io's socket is used here, so that tests can hand in another one. */
export type SocketLike = Pick<Socket, 'connect' | 'disconnect' | 'connected' | 'active' | 'recovered'> & {
  on(event: string, handler: (...args: never[]) => void): unknown;
  off(event: string, handler: (...args: never[]) => void): unknown;
  timeout(ms: number): {
    emit(event: string, payload: object, ack: (error: Error | null, reply: Ack) => void): unknown;
  };
};

export class SocketSignaling implements Signaling {
  link: LinkState = { state: 'connecting' };
  private readonly socket: SocketLike;
  private readonly watchers = new Set<(link: LinkState) => void>();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private drainMs: number | undefined;

  constructor(socket: SocketLike) {
    this.socket = socket;
    socket.on('connect', () => this.become({ state: 'connected', resumed: socket.recovered }));
    socket.on('disconnect', (reason: string) => this.lost(reason));
    socket.on('connect_error', (error: Error) => this.connectFailed(error));
    this.on('server-draining', ({ reconnectAfterMs }) => {
      this.drainMs = reconnectAfterMs;
    });
  }

  connect(): void {
    this.socket.connect();
  }

  close(): void {
    clearTimeout(this.retry);
    this.watchers.clear();
    this.socket.disconnect();
  }

  async request<N extends RequestName>(name: N, payload: Requests[N]['send']): Promise<Requests[N]['reply']> {
    if (!this.socket.connected) {
      throw new SignalingError('There is no connection to the server', { code: NOT_CONNECTED });
    }
    const deadline = name === 'join-meeting' ? JOIN_ANSWER_MS_MAX : ANSWER_MS_MAX;
    return new Promise((resolve, reject) => {
      this.socket.timeout(deadline).emit(name, payload, (error, reply) => {
        if (error) reject(new SignalingError('The server did not answer', { code: TIMED_OUT }));
        else if (reply.success) resolve(reply as Requests[N]['reply']);
        else reject(refusal(reply));
      });
    });
  }

  on<N extends ServerEventName>(name: N, handler: (payload: ServerEvents[N]) => void): () => void {
    const listener = handler as (...args: never[]) => void;
    this.socket.on(name, listener);
    return () => {
      this.socket.off(name, listener);
    };
  }

  onLink(handler: (link: LinkState) => void): () => void {
    this.watchers.add(handler);
    return () => this.watchers.delete(handler);
  }

  private become(link: LinkState): void {
    this.link = link;
    for (const watcher of this.watchers) watcher(link);
  }

  private lost(reason: string): void {
    if (reason === 'io client disconnect') return;
    this.become({ state: 'lost' });
    // socket.io does not come back on its own after the server said goodbye (a drain); we do.
    if (!this.socket.active) this.connectLater(this.drainMs ?? 1_000);
    this.drainMs = undefined;
  }

  private connectFailed(error: Error): void {
    // `active` means a transport failure that socket.io goes on retrying; otherwise the server said no.
    if (this.socket.active) {
      this.become({ state: 'lost' });
    } else if (isLostLogin(new SignalingError(error.message))) {
      this.become({ state: 'refused', message: error.message });
    } else {
      this.become({ state: 'lost' });
      this.connectLater(REFUSED_RETRY_MS);
    }
  }

  private connectLater(delayMs: number): void {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.socket.connect(), delayMs);
  }
}

function refusal(reply: Ack): SignalingError {
  return new SignalingError(reply.error ?? reply.message ?? 'Internal server error', { code: reply.code });
}

/** The link of a browser tab: same origin, WebSocket first, long polling where a proxy forbids it. */
export function openSocket(token: string): SocketSignaling {
  const socket = io({
    // `resume`: our place is kept for a while when this link is lost; socket.io-client brings what that needs.
    auth: { token, resume: true },
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
    autoConnect: false,
    forceNew: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 4_000,
    randomizationFactor: 0.4,
    timeout: 8_000,
  });
  // socket.io types its listeners with `any`; `SocketLike` says the same without it.
  return new SocketSignaling(socket as unknown as SocketLike);
}
