// How long to wait before making media again after it failed.

const FIRST_MS = 300;
/** A media node that is being restarted is back within seconds; asking more rarely than this only lengthens the silence. */
const LONGEST_MS = 5_000;

/** Doubles with every failure in a row: 300 ms, 600 ms, ... 5 s. */
export function restartDelayMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
}
