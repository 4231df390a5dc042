// What can go wrong on the way to the server, and how to say it to a person.

/** A refusal or failure of a REST call or a socket request. `status` is 0 when no HTTP answer exists. */
export class SignalingError extends Error {
  readonly status: number;
  readonly code: string | undefined;
  /** Seconds to wait before trying again, when the server named them. */
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, options: { status?: number; code?: string; retryAfterSeconds?: number } = {}) {
    super(message);
    this.name = 'SignalingError';
    this.status = options.status ?? 0;
    this.code = options.code;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Codes of failures that happen before any server has answered. */
export const UNREACHABLE = 'UNREACHABLE';
export const TIMED_OUT = 'TIMED_OUT';
export const NOT_CONNECTED = 'NOT_CONNECTED';

const LOST_LOGIN = new Set([
  'Authentication token missing',
  'Invalid token',
  'Token expired',
  'User not found',
]);

/** True when the session token is no good any more and the person has to log in again. */
export function isLostLogin(error: unknown): boolean {
  if (!(error instanceof SignalingError)) return false;
  // A wrong meeting password is a 401 as well, so the words decide and not the status.
  return (error.status === 401 || error.status === 0) && LOST_LOGIN.has(error.message);
}

/** True when the same request may succeed a moment later without anything being changed. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof SignalingError)) return true;
  const codes = [UNREACHABLE, TIMED_OUT, NOT_CONNECTED, 'RATE_LIMIT_EXCEEDED'];
  const words = ['Service unavailable', 'Internal server error', 'Rate limit exceeded'];
  return codes.includes(error.code ?? '') || words.includes(error.message);
}

const SENTENCES: Record<string, string> = {
  'Invalid credentials': 'That e-mail and password do not match. Please try again.',
  'Meeting not found': 'We could not find this meeting. Check the link, or ask the host for a new one.',
  'Access denied: You are not invited to this meeting':
    'You are not invited to this meeting. Ask the host to add you.',
  'Access denied - you are not a participant in this meeting': 'Only invited people can see this meeting.',
  'Access denied - meeting not found in your campus': 'This meeting belongs to another organisation.',
  'Access denied': 'You are not allowed to do that.',
  'User lacks required permissions': 'You are not allowed to do that.',
  'Meeting is locked to new participants': 'The host has locked this meeting.',
  'Meeting has ended': 'This meeting has ended.',
  'Meeting has been cancelled': 'This meeting was cancelled.',
  'Meeting is full': 'This meeting is full. Try again when somebody has left.',
  'Meeting is not active': 'The host has not started this meeting yet.',
  'Meeting has not started yet': 'The host has not started this meeting yet.',
  'Meeting password required': 'This meeting needs a password.',
  'Invalid meeting password': 'That is not the password of this meeting.',
  'Token expired': 'You have been signed out. Please sign in again.',
  'Invalid token': 'You have been signed out. Please sign in again.',
  'Authentication token missing': 'Please sign in.',
  'Chat is disabled for this meeting': 'Chat is turned off in this meeting.',
  'File too large': 'This file is too large.',
  'Storage quota exceeded': 'Your storage for files is full. Delete some older files first.',
  'File type not allowed': 'Files of this type cannot be sent here.',
  'Only hosts can change roles': 'Only hosts can change roles.',
  'Cannot demote the original meeting creator': 'Whoever made the meeting stays its host.',
  'Cannot remove meeting host': 'A host cannot be removed.',
  'Recording is not enabled for this meeting': 'Recording is turned off in this meeting.',
  'Meeting has not ended': 'There are no numbers yet: the meeting has not ended.',
  'Participant not found': 'This person is not here any more.',
  'User not found': 'This person could not be found.',
  'Service unavailable': 'The server is busy or restarting. Please try again in a moment.',
  'Internal server error': 'Something went wrong on the server. Please try again.',
};

/** One plain sentence for whatever was thrown. */
export function readable(error: unknown): string {
  if (!(error instanceof SignalingError)) {
    return error instanceof Error && error.message ? error.message : 'Something went wrong.';
  }
  if (error.code === UNREACHABLE) return 'The server cannot be reached. Check your connection.';
  if (error.code === TIMED_OUT) return 'The server did not answer in time. Please try again.';
  if (error.code === NOT_CONNECTED) return 'There is no connection to the server right now.';
  if (error.code === 'RATE_LIMIT_EXCEEDED') {
    const wait = error.retryAfterSeconds;
    return wait
      ? `That was a bit fast. Try again in ${wait} s.`
      : 'That was a bit fast. Try again in a moment.';
  }
  return SENTENCES[error.message] ?? error.message;
}
