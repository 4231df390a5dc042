/** The one error of this package: what the server refused, or why it could not be asked. */

export interface MeetingErrorFields {
  code: string;
  status?: number;
  details?: unknown;
  retryAfter?: number | undefined;
  cause?: unknown;
}

export class MeetingError extends Error {
  override readonly name = 'MeetingError';
  /**
   * Stable, for programs: a code of the server (`MEETING_ALREADY_ACTIVE`, `RATE_LIMIT_EXCEEDED`, ...), or one of
   * `NETWORK_ERROR`, `TIMEOUT`, `INVALID_RESPONSE`, `WEBSOCKET_UNAVAILABLE`, `CLOSED`, which never left this side.
   */
  readonly code: string;
  /** The HTTP status; 0 when there was no answer, or when it was told over the event stream. */
  readonly status: number;
  /** What the server added, as it sent it: for `VALIDATION_ERROR` a reason for each field. */
  readonly details: unknown;
  /** Seconds after which asking again is worth it, if the server said so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, { code, status = 0, details = {}, retryAfter, cause }: MeetingErrorFields) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
    this.details = details;
    this.retryAfter = retryAfter;
  }
}
