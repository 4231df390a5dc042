// Webhooks, over REST.
import { type Http, query } from './http';
import type { Deliveries, Delivery, Webhook, WebhookDraft, WebhookWithSecret } from './webhooks';

export class WebhookRest {
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  list(): Promise<Webhook[]> {
    return this.http.data('GET', '/api/admin/webhooks');
  }

  /** The answer has the secret, which is not shown again. */
  add(draft: WebhookDraft): Promise<WebhookWithSecret> {
    return this.http.data('POST', '/api/admin/webhooks', draft);
  }

  setEnabled(id: string, enabled: boolean): Promise<WebhookWithSecret> {
    return this.http.data('PATCH', path(id), { enabled });
  }

  /** The answer has the new secret; the old one signs too for a day. */
  rotateSecret(id: string): Promise<WebhookWithSecret> {
    return this.http.data('PATCH', path(id), { rotate_secret: true });
  }

  async remove(id: string): Promise<void> {
    await this.http.call('DELETE', path(id));
  }

  async deliveries(
    id: string,
    filter: { status?: string; limit: number; offset: number },
  ): Promise<Deliveries> {
    const answer = await this.http.call('GET', `${path(id)}/deliveries${query(filter)}`);
    const { data, total = 0 } = answer as { data: Delivery[]; total?: number };
    return { deliveries: data, total };
  }

  async replay(id: string, delivery: string): Promise<void> {
    await this.http.call('POST', `${path(id)}/deliveries/${encodeURIComponent(delivery)}/replay`);
  }

  /** Has everything sent again that was given up; says how much that is. */
  async replayDead(id: string): Promise<number> {
    const { replayed } = await this.http.data<{ replayed: number }>('POST', `${path(id)}/replay`);
    return replayed;
  }

  async ping(id: string): Promise<void> {
    await this.http.call('POST', `${path(id)}/ping`);
  }
}

const path = (id: string) => `/api/admin/webhooks/${encodeURIComponent(id)}`;
