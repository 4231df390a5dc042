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

/** A line of the audit trail (ADD-16): ids only. */
export interface AuditEntry {
  id: string;
  timestamp: string;
  action: string;
  /** `granted`, or why it was refused. */
  outcome: string;
  actor_id: string | null;
  campus_id: string | null;
  meeting_id: string | null;
  target_id: string | null;
  detail: string | null;
}

export interface AuditFilter {
  outcome: string;
  action: string;
  limit: number;
  /** From the page before; null for the newest. */
  cursor: string | null;
}

export interface AuditPage {
  entries: AuditEntry[];
  /** What to ask with for older lines; null when there are none. */
  next: string | null;
}
