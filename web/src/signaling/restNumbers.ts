// What the server counts, over REST.
import type { Http } from './http';
import type { Analytics, LiveStats, Recording, SystemStats } from './numbers';

export class NumbersRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  live(meetingId: string): Promise<LiveStats> {
    return this.http.data('GET', `/api/meeting/${encodeURIComponent(meetingId)}/live-stats`);
  }

  analytics(meetingId: string): Promise<Analytics> {
    return this.http.data('GET', `/api/meeting/${encodeURIComponent(meetingId)}/analytics`);
  }

  recordings(meetingId: string): Promise<Recording[]> {
    return this.http.data('GET', `/api/meeting/${encodeURIComponent(meetingId)}/recordings`);
  }

  system(): Promise<SystemStats> {
    return this.http.data('GET', '/api/meeting/system/stats');
  }
}
