// One call to the server over HTTP: token, JSON, envelope, and refusals as errors.
import { NOT_CONNECTED, SignalingError, UNREACHABLE } from './errors';

export interface Envelope {
  success?: boolean;
  message?: string;
  code?: string;
  data?: unknown;
  /** How many there are beyond this part of a list. */
  total?: number;
}

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface Sending {
  headers: Record<string, string>;
  body: FormData;
  /** Share of the body that is on its way, 0 to 1. */
  onProgress: (share: number) => void;
  signal: AbortSignal | undefined;
}

/** Sends a body and tells how far it is; `fetch` cannot tell that yet. */
export type Upload = (url: string, sending: Sending) => Promise<Response>;

export class Http {
  private readonly token: () => string | null;
  private readonly fetch: Fetch;
  private readonly upload: Upload;

  constructor(token: () => string | null, fetchLike: Fetch, upload: Upload) {
    this.token = token;
    this.fetch = fetchLike;
    this.upload = upload;
  }

  async call(method: string, path: string, body?: object): Promise<Envelope> {
    const headers = this.headers();
    if (body) headers['Content-Type'] = 'application/json';
    return read(await this.reach(path, { method, headers, body: body ? JSON.stringify(body) : undefined }));
  }

  /** The `data` of an answer. */
  async data<T>(method: string, path: string, body?: object): Promise<T> {
    return (await this.call(method, path, body)).data as T;
  }

  async sendForm<T>(
    path: string,
    body: FormData,
    onProgress: (share: number) => void,
    signal?: AbortSignal,
  ): Promise<T> {
    const sending = { headers: this.headers(), body, onProgress, signal };
    return (await read(await this.upload(path, sending))).data as T;
  }

  /** A file behind the login: an address in an `<img>` could not carry the token. */
  async file(path: string): Promise<Blob> {
    const response = await this.reach(path, { method: 'GET', headers: this.headers() });
    if (!response.ok) await read(response);
    return response.blob();
  }

  private headers(): Record<string, string> {
    const token = this.token();
    const accept = { Accept: 'application/json' };
    return token ? { ...accept, Authorization: `Bearer ${token}` } : accept;
  }

  private async reach(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.fetch(path, init);
    } catch {
      throw new SignalingError('The server cannot be reached', { code: UNREACHABLE });
    }
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
  if (status === 413) return 'This file is too large';
  return status === 502 || status === 503 || status === 504 ? 'Service unavailable' : 'Internal server error';
}

/** The browser's way to send a body and watch it go. */
export const uploadWithProgress: Upload = (url, { headers, body, onProgress, signal }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener(
      'progress',
      ({ loaded, total }) => total > 0 && onProgress(loaded / total),
    );
    request.addEventListener('load', () => {
      const retryAfter = request.getResponseHeader('Retry-After');
      const answered = retryAfter ? { 'Retry-After': retryAfter } : undefined;
      resolve(new Response(request.responseText, { status: request.status, headers: answered }));
    });
    request.addEventListener('error', () =>
      reject(new SignalingError('The server cannot be reached', { code: UNREACHABLE })),
    );
    request.addEventListener('abort', () =>
      reject(new SignalingError('The upload was stopped', { code: NOT_CONNECTED })),
    );
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });

/** A query string of what is given; empty and absent values are left out. */
export function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== '',
  );
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : '';
}
