// The REST half of the server, one method per route the client uses.
import { SignalingError, UNREACHABLE } from './errors';
import type { ChatMessage } from './events';
import type { ChatLine, JoinAccess, Meeting, MeetingDraft, User } from './meeting';

interface Envelope {
  success?: boolean;
  message?: string;
  code?: string;
  data?: unknown;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export class Rest {
  private readonly token: () => string | null;
  private readonly fetch: Fetch;

  constructor(token: () => string | null, fetchLike: Fetch = (url, init) => fetch(url, init)) {
    this.token = token;
    this.fetch = fetchLike;
  }

  async login(email: string, password: string): Promise<{ token: string; user: User }> {
    const { data } = await this.call('POST', '/api/auth/login', { email, password });
    return data as { token: string; user: User };
  }

  async profile(): Promise<User> {
    return (await this.call('GET', '/api/auth/profile')).data as User;
  }

  async meetings(): Promise<Meeting[]> {
    return (await this.call('GET', '/api/meeting')).data as Meeting[];
  }

  async meeting(id: string): Promise<Meeting> {
    return (await this.call('GET', `/api/meeting/${encodeURIComponent(id)}`)).data as Meeting;
  }

  async create(draft: MeetingDraft): Promise<Meeting> {
    return (await this.call('POST', '/api/meeting', draft)).data as Meeting;
  }

  async update(id: string, draft: Partial<MeetingDraft>): Promise<Meeting> {
    return (await this.call('PUT', `/api/meeting/${encodeURIComponent(id)}`, draft)).data as Meeting;
  }

  async cancel(id: string): Promise<void> {
    await this.call('DELETE', `/api/meeting/${encodeURIComponent(id)}`);
  }

  async end(id: string): Promise<void> {
    await this.call('POST', `/api/meeting/${encodeURIComponent(id)}/end`);
  }

  /** Asks whether the caller may enter; enters nothing. */
  async access(id: string, password?: string): Promise<JoinAccess> {
    const body = password ? { meeting_password: password } : {};
    const answer = await this.call('POST', `/api/meeting/${encodeURIComponent(id)}/join`, body);
    return { ...(answer.data as Omit<JoinAccess, 'message'>), message: answer.message ?? '' };
  }

  /** The newest lines of a meeting's chat, oldest first. */
  async chat(id: string, limit: number): Promise<ChatMessage[]> {
    const path = `/api/meeting/${encodeURIComponent(id)}/chat?limit=${limit}`;
    const lines = (await this.call('GET', path)).data as ChatLine[];
    return lines.map(({ recipient_type, ...line }) => ({ ...line, recipientType: recipient_type }));
  }

  private async call(method: string, path: string, body?: object): Promise<Envelope> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    const token = this.token();
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers['Content-Type'] = 'application/json';
    let response: Response;
    try {
      response = await this.fetch(path, { method, headers, body: body ? JSON.stringify(body) : undefined });
    } catch {
      throw new SignalingError('The server cannot be reached', { code: UNREACHABLE });
    }
    return read(response);
  }
}

async function read(response: Response): Promise<Envelope> {
  let envelope: Envelope = {};
  try {
    envelope = (await response.json()) as Envelope;
  } catch {
    // A proxy's HTML page or an empty body: the status alone has to speak.
  }
  if (response.ok && envelope.success !== false) return envelope;
  const retryAfter = Number(response.headers.get('Retry-After'));
  throw new SignalingError(envelope.message ?? wordsFor(response.status), {
    status: response.status,
    code: envelope.code,
    retryAfterSeconds: retryAfter > 0 ? retryAfter : undefined,
  });
}

function wordsFor(status: number): string {
  return status === 502 || status === 503 || status === 504 ? 'Service unavailable' : 'Internal server error';
}
