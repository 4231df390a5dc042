// The administrators' pages, over REST.
import type { AuditEntry, AuditFilter, AuditPage, MailDetail, Outbox, OutboxMail } from './admin';
import { type Http, query } from './http';
import { WebhookRest } from './restWebhooks';

export class AdminRest {
  readonly webhooks: WebhookRest;
  private readonly http: Http;

  constructor(http: Http) {
    this.http = http;
    this.webhooks = new WebhookRest(http);
  }

  async audit({ outcome, action, limit, cursor }: AuditFilter): Promise<AuditPage> {
    const answer = await this.http.call(
      'GET',
      `/api/admin/audit${query({ outcome, action, limit, cursor })}`,
    );
    const { data, next_cursor: next } = answer as { data: AuditEntry[]; next_cursor: string | null };
    return { entries: data, next };
  }

  async outbox(filter: { status?: string; limit: number; offset: number }): Promise<Outbox> {
    const answer = await this.http.call('GET', `/api/admin/outbox${query(filter)}`);
    const {
      data,
      total = 0,
      delivery = false,
    } = answer as { data: OutboxMail[]; total?: number; delivery?: boolean };
    return { mails: data, total, delivery };
  }

  mail(id: string): Promise<MailDetail> {
    return this.http.data('GET', `/api/admin/outbox/${encodeURIComponent(id)}`);
  }

  async retry(id: string): Promise<void> {
    await this.http.call('POST', `/api/admin/outbox/${encodeURIComponent(id)}/retry`);
  }
}
