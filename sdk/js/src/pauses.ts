/** How long to wait before trying again, and how often: pure arithmetic. */

export interface ReconnectOptions {
  /** Tries after a loss before the stream gives up; 0 never tries again. Default 10, a little over two minutes. */
  attempts?: number;
  /** The longest first pause, in milliseconds; it doubles with every further try. Default 500. */
  baseMs?: number;
  /** No pause is longer, in milliseconds. Default 30 000. */
  maxMs?: number;
}

export const RECONNECT = { attempts: 10, baseMs: 500, maxMs: 30_000 } as const;

/**
 * The pause before try number `attempt` (from 0): doubling, and somewhere in the upper half, so that clients that were
 * cut off together do not come back together. `random` is in 0..1.
 */
export function pauseMs(
  attempt: number,
  { baseMs, maxMs }: Required<ReconnectOptions>,
  random: number,
): number {
  const longest = Math.min(maxMs, baseMs * 2 ** attempt);
  return Math.round(longest / 2 + (longest / 2) * random);
}

/** `Retry-After` in seconds, whichever of its two forms it has; undefined when absent or unreadable. */
export function retryAfterSeconds(header: string | null | undefined, nowMs: number): number | undefined {
  if (header === null || header === undefined || header.trim() === '') return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - nowMs) / 1000));
}
