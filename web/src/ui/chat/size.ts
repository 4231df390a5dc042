// Amounts of data in words. Pure.

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;

/** "812 bytes", "1.4 MB": at most three digits that mean something. */
export function bytes(count: number): string {
  let amount = Math.max(0, count);
  let unit = 0;
  while (amount >= 1_000 && unit < UNITS.length - 1) {
    amount /= 1_000;
    unit++;
  }
  const text =
    unit === 0 || amount >= 100 ? Math.round(amount).toString() : amount.toFixed(1).replace(/\.0$/, '');
  return `${text} ${UNITS[unit]}`;
}
