/** One request and its answer: envelope, refusals, timeouts, and asking again where that is harmless. */
import type { Access } from './access.js';
import { MeetingError } from './error.js';
import { pauseMs, retryAfterSeconds } from './pauses.js';
import type { FetchAnswer, FetchLike } from './platform.js';
import { type Camel, camel, snake } from './words.js';

export interface RequestSettings {
  apiUrl: string;
  access: Access;
  fetch: FetchLike;
  /** For one try, answer included, in milliseconds. */
  timeoutMs: number;
  /** How often a read is asked again after a 429, a 503 or no answer. */
  retries: number;
  /** A read does not wait longer than this for its next try, in milliseconds: then it fails with `retryAfter`. */
  retryWaitMaxMs: number;
}

/** Pauses between tries for which the server named no time. */
const RETRY = { baseMs: 300, maxMs: 5_000, attempts: 0 };

export class Requests {
  constructor(private readonly settings: RequestSettings) {}

  /** Something that may be done twice without harm. */
  async read<Data>(path: string, query: Record<string, number | undefined> = {}): Promise<Camel<Data>> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.once<Data>('GET', path + queryText(query), undefined);
      } catch (error) {
        const waitMs = this.waitMs(error, attempt);
        if (waitMs === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  /** Something that changes the meeting: never sent twice, except when the token alone was refused. */
  write<Data>(method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown = {}): Promise<Camel<Data>> {
    return this.once<Data>(method, path, JSON.stringify(snake(body)));
  }

  /** How long to wait before a read is asked again; undefined when it is not. */
  private waitMs(error: unknown, attempt: number): number | undefined {
    if (!(error instanceof MeetingError) || attempt >= this.settings.retries) return undefined;
    const passing = error.status === 429 || error.status === 503 || error.status === 0;
    if (!passing || error.code === 'INVALID_RESPONSE') return undefined;
    const waitMs =
      error.retryAfter === undefined ? pauseMs(attempt, RETRY, Math.random()) : error.retryAfter * 1000;
    return waitMs <= this.settings.retryWaitMaxMs ? waitMs : undefined;
  }

  private async once<Data>(method: string, path: string, body: string | undefined): Promise<Camel<Data>> {
    const { access } = this.settings;
    const used = access.token;
    try {
      return await this.send<Data>(method, path, body, used);
    } catch (error) {
      if (!(error instanceof MeetingError) || error.status !== 401) throw error;
      // Nothing was done for a refused token, so this is safe for writes as well.
      if (!(await access.renewed(used, error))) throw error;
      return this.send<Data>(method, path, body, access.token);
    }
  }

  private async send<Data>(method: string, path: string, body: string | undefined, token: string) {
    const { apiUrl, fetch, timeoutMs } = this.settings;
    const headers: Record<string, string> = { accept: 'application/json', authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    let answer: FetchAnswer;
    let text: string;
    try {
      const init = { method, headers, signal: abort.signal as never };
      answer = await fetch(apiUrl + path, body === undefined ? init : { ...init, body });
      text = await answer.text();
    } catch (cause) {
      throw abort.signal.aborted
        ? new MeetingError(`no answer within ${timeoutMs} ms`, { code: 'TIMEOUT', cause })
        : new MeetingError('the server could not be reached', { code: 'NETWORK_ERROR', cause });
    } finally {
      clearTimeout(timer);
    }
    return dataOf<Data>(answer, text);
  }
}

/** The data of an answer in the envelope of the API, or what it refused. */
function dataOf<Data>(answer: FetchAnswer, text: string): Camel<Data> {
  const body = envelope(text);
  const retryAfter = retryAfterSeconds(answer.headers.get('retry-after'), Date.now());
  if (body === undefined) {
    // A proxy in between, or another server altogether.
    const busy = answer.status === 429 || answer.status === 503;
    const code = answer.ok ? 'INVALID_RESPONSE' : busy ? 'SERVICE_UNAVAILABLE' : `HTTP_${answer.status}`;
    throw new MeetingError(`the answer (${answer.status}) is not in the words of this API`, {
      code,
      status: answer.status,
      retryAfter,
    });
  }
  // 202 is a success: whoever has to wait for the host is told so by the status in the data.
  if (answer.ok) return camel(body.data as Data);
  throw new MeetingError(body.message ?? `refused with ${answer.status}`, {
    code: body.code ?? `HTTP_${answer.status}`,
    status: answer.status,
    details: body.details ?? {},
    retryAfter,
  });
}

interface Envelope {
  status: string;
  message?: string;
  data?: unknown;
  code?: string;
  details?: unknown;
}

function envelope(text: string): Envelope | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const fits = typeof body === 'object' && body !== null && 'status' in body;
    return fits ? (body as Envelope) : undefined;
  } catch {
    return undefined;
  }
}

function queryText(query: Record<string, number | undefined>): string {
  const given = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}
