// What hosts do to all breakout rooms at once, over REST.
import type { BreakoutPlan } from './breakouts';
import type { Http } from './http';

export class BreakoutsRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  /** Opens rooms instead of those that are open. */
  async open(meetingId: string, plan: BreakoutPlan): Promise<void> {
    await this.http.call('POST', path(meetingId), plan);
  }

  /** Everybody comes back; the rooms stay open. */
  async callBack(meetingId: string): Promise<void> {
    await this.http.call('POST', `${path(meetingId)}/return`, { everyone: true });
  }

  async broadcast(meetingId: string, message: string): Promise<void> {
    await this.http.call('POST', `${path(meetingId)}/broadcast`, { message });
  }

  async close(meetingId: string): Promise<void> {
    await this.http.call('DELETE', path(meetingId));
  }
}

function path(meetingId: string): string {
  return `/api/v1/meetings/${encodeURIComponent(meetingId)}/breakout-rooms`;
}
