// Who is told of meetings from outside, as administrators see it (ADD-32 to ADD-39).

/** What an endpoint can ask for. */
export const WEBHOOK_EVENTS = [
  'meeting.started',
  'participant.joined',
  'participant.left',
  'meeting.ended',
] as const;

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export interface Webhook {
  id: string;
  /** Null: of meetings of every campus. */
  campus_id: string | null;
  url: string;
  description: string;
  events: WebhookEvent[];
  enabled: boolean;
  /** Why it is told nothing. */
  disabled_reason: 'administrator' | 'gone' | 'settings' | null;
  /** Whether it comes from the server's settings. */
  configured: boolean;
  created_at: string;
}

/** The secret is shown once. */
export interface WebhookWithSecret extends Webhook {
  secret?: string;
}

export interface WebhookDraft {
  url: string;
  description: string;
  events: WebhookEvent[];
}

export type DeliveryStatus = 'pending' | 'delivered' | 'dead';

/** A row of ADD-36. */
export interface Delivery {
  id: string;
  event: WebhookEvent | 'webhook.ping';
  status: DeliveryStatus;
  meeting_id: string | null;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  happened_at: string;
  next_attempt_at: string | null;
  delivered_at: string | null;
}

export interface Deliveries {
  deliveries: Delivery[];
  total: number;
}
