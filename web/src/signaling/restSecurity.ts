// The security policy of one meeting, over REST. It is set in the words of the v1 dialect, which alone has a route for it.
import { SignalingError } from './errors';
import type { Http } from './http';
import type { Meeting } from './meeting';
import type { PolicyChange, PolicySettings } from './security';

export class SecurityRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  /** The policy as it is; for hosts only. */
  async read(meetingId: string): Promise<PolicySettings> {
    const path = `/api/meeting/${encodeURIComponent(meetingId)}`;
    const { security_policy: policy } = await this.http.data<Meeting>('GET', path);
    if (!policy) throw new SignalingError('Access denied', { status: 403 });
    return policy;
  }

  async apply(meetingId: string, change: PolicyChange): Promise<void> {
    const path = `/api/v1/meetings/${encodeURIComponent(meetingId)}/security/policy`;
    await this.http.call('POST', path, change);
  }

  /** Puts somebody out and keeps him out. The list is the whole list, so it is read first. */
  async block(meetingId: string, userId: string): Promise<void> {
    const { blocked_users: blocked } = await this.read(meetingId);
    await this.apply(meetingId, { blocked_users: [...blocked.filter((id) => id !== userId), userId] });
  }
}
