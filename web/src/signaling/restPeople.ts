// People of one meeting, over REST: roster, invitations, removal, roles, directory.
import type { Http } from './http';
import type { DirectoryUser, Invitee, RoleChange, RosterRow } from './people';

export class PeopleRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  roster(meetingId: string): Promise<RosterRow[]> {
    return this.http.data('GET', this.path(meetingId));
  }

  /** Adds people and, unless told otherwise, writes to them. Answers how many were new. */
  async invite(meetingId: string, people: Invitee[], message: string): Promise<number> {
    const { participants_added } = await this.http.data<{ participants_added: unknown[] }>(
      'POST',
      this.path(meetingId),
      { participants: people, send_invitation: true, ...(message ? { invitation_message: message } : {}) },
    );
    return participants_added.length;
  }

  async remove(meetingId: string, participantIds: string[], reason?: string): Promise<void> {
    await this.http.call('DELETE', this.path(meetingId), { participant_ids: participantIds, reason });
  }

  async changeRole(meetingId: string, participantId: string, change: RoleChange): Promise<void> {
    await this.http.call(
      'PATCH',
      `${this.path(meetingId)}/${encodeURIComponent(participantId)}/role`,
      change,
    );
  }

  /** The directory by relevance, without those already listed. */
  async search(meetingId: string, query: string, limit: number): Promise<DirectoryUser[]> {
    const path = `/api/meeting/${encodeURIComponent(meetingId)}/search-users`;
    return (await this.http.data<{ users: DirectoryUser[] }>('POST', path, { query, limit })).users;
  }

  private path(meetingId: string): string {
    return `/api/meeting/${encodeURIComponent(meetingId)}/participants`;
  }
}
