/** The token requests and sockets are made with, and how it is replaced when the server no longer takes it. */
import type { MeetingError } from './error.js';

/** Answers a new token. Called when the server refuses the one in use; calls that happen together share one answer. */
export type RefreshToken = (refused: MeetingError) => string | Promise<string>;

export class Access {
  token: string;
  private readonly refreshToken: RefreshToken | undefined;
  private refreshing: Promise<boolean> | undefined;

  constructor(token: string, refreshToken?: RefreshToken) {
    this.token = token;
    this.refreshToken = refreshToken;
  }

  /**
   * Whether there is another token now than `used`, which the server refused. A callback that fails is as good as none:
   * the caller goes on to report the refusal.
   */
  async renewed(used: string, refused: MeetingError): Promise<boolean> {
    if (this.token !== used) return true;
    if (!this.refreshToken) return false;
    this.refreshing ??= this.refresh(this.refreshToken, refused).finally(() => {
      this.refreshing = undefined;
    });
    return this.refreshing;
  }

  private async refresh(ask: RefreshToken, refused: MeetingError): Promise<boolean> {
    const before = this.token;
    try {
      this.token = await ask(refused);
    } catch {
      return false;
    }
    return this.token !== before;
  }
}
