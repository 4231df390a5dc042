// What administrators look at: the audit trail and the mail that goes out.

export type MailStatus = 'queued' | 'sent' | 'failed';

/** A row of ADD-20. */
export interface OutboxMail {
  id: string;
  kind: 'invitation' | 'update' | 'cancellation' | 'removal';
  status: MailStatus;
  to: { name: string | null; email: string };
  subject: string;
  meeting_id: string | null;
  attempts: number;
  last_error: string | null;
  created_at: string;
  next_attempt_at: string | null;
  sent_at: string | null;
}

/** ADD-21: one mail with its parts. */
export interface MailDetail extends OutboxMail {
  text: string;
  calendar: string | null;
}

export interface Outbox {
  mails: OutboxMail[];
  total: number;
  /** False while no SMTP server is configured and mail is only kept. */
  delivery: boolean;
}

/** An entry of the audit trail. */
export interface AuditEntry {
  id: string;
  at: string;
  action: string;
  outcome: string;
  actor_id: string | null;
  actor_name: string | null;
  meeting_id: string | null;
  detail: string | null;
}

export interface AuditPage {
  entries: AuditEntry[];
  total: number;
}
