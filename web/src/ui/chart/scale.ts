// Where the lines of a chart go. Pure.

const STEPS = [1, 2, 5, 10];

/** A round step so that about `wanted` of them reach `top`; whole numbers only, because people and lines are counted. */
export function stepFor(top: number, wanted: number): number {
  const rough = Math.max(1, top / Math.max(1, wanted));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = STEPS.find((factor) => factor * power >= rough) ?? 10;
  return Math.max(1, step * power);
}

/** 0, step, 2 step, ... up to the first that is not below `top`. */
export function ticks(top: number, wanted: number): number[] {
  const step = stepFor(top, wanted);
  const count = Math.max(1, Math.ceil(top / step));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

const MINUTE_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440];

/** Minutes to be named below a chart of so many, at most `most` of them. */
export function minuteTicks(minutes: number, most: number): number[] {
  const step = MINUTE_STEPS.find((one) => minutes / one <= most) ?? 1440;
  return Array.from({ length: Math.floor(minutes / step) + 1 }, (_, index) => index * step);
}

/** "45 min", "1 h", "1 h 30 min". */
export function minuteWords(minutes: number): string {
  const whole = Math.round(minutes);
  if (whole < 60) return `${whole} min`;
  const rest = whole % 60;
  return rest ? `${Math.floor(whole / 60)} h ${rest} min` : `${whole / 60} h`;
}
