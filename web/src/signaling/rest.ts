// The REST half of the server, one method per route the client uses.
import { type Fetch, Http, query, type Upload, uploadWithProgress } from './http';
import type { JoinAccess, Meeting, MeetingDraft, User } from './meeting';
import { AdminRest } from './restAdmin';
import { BreakoutsRest } from './restBreakouts';
import { ChatRest } from './restChat';
import { NumbersRest } from './restNumbers';
import { PeopleRest } from './restPeople';
import { SecurityRest } from './restSecurity';

export type { Fetch } from './http';

export class Rest {
  readonly people: PeopleRest;
  readonly chat: ChatRest;
  readonly numbers: NumbersRest;
  readonly admin: AdminRest;
  readonly breakouts: BreakoutsRest;
  readonly security: SecurityRest;
  private readonly http: Http;

  constructor(
    token: () => string | null,
    fetchLike: Fetch = (url, init) => fetch(url, init),
    upload: Upload = uploadWithProgress,
  ) {
    this.http = new Http(token, fetchLike, upload);
    this.people = new PeopleRest(this.http);
    this.chat = new ChatRest(this.http);
    this.numbers = new NumbersRest(this.http);
    this.admin = new AdminRest(this.http);
    this.breakouts = new BreakoutsRest(this.http);
    this.security = new SecurityRest(this.http);
  }

  login(email: string, password: string): Promise<{ token: string; user: User }> {
    return this.http.data('POST', '/api/auth/login', { email, password });
  }

  profile(): Promise<User> {
    return this.http.data('GET', '/api/auth/profile');
  }

  /** One's meetings, the latest start first: all of them, or at most so many. */
  async meetings(limit?: number): Promise<{ meetings: Meeting[]; total: number }> {
    const answer = await this.http.call('GET', `/api/meeting${query({ limit })}`);
    const meetings = answer.data as Meeting[];
    return { meetings, total: answer.total ?? meetings.length };
  }

  meeting(id: string): Promise<Meeting> {
    return this.http.data('GET', path(id));
  }

  create(draft: MeetingDraft): Promise<Meeting> {
    return this.http.data('POST', '/api/meeting', draft);
  }

  /** `series`: this occurrence and all later ones. */
  update(id: string, draft: Partial<MeetingDraft>, series = false): Promise<Meeting> {
    return this.http.data('PUT', path(id) + query({ series: series ? 'true' : undefined }), draft);
  }

  async cancel(id: string, series = false): Promise<void> {
    await this.http.call('DELETE', path(id) + query({ series: series ? 'true' : undefined }));
  }

  async end(id: string): Promise<void> {
    await this.http.call('POST', `${path(id)}/end`);
  }

  /** Asks whether the caller may enter; enters nothing. */
  async access(id: string, password?: string): Promise<JoinAccess> {
    const answer = await this.http.call(
      'POST',
      `${path(id)}/join`,
      password ? { meeting_password: password } : {},
    );
    return { ...(answer.data as Omit<JoinAccess, 'message'>), message: answer.message ?? '' };
  }
}

function path(id: string): string {
  return `/api/meeting/${encodeURIComponent(id)}`;
}
