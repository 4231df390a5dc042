import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { look } from './looking';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('asks no second time before it was answered, and goes on after a failure', async () => {
  const open: { resolve: (answer: number) => void; reject: (error: Error) => void }[] = [];
  const shown: (number | null)[] = [];
  const end = look(
    () => new Promise<number>((resolve, reject) => open.push({ resolve, reject })),
    (answer) => shown.push(answer),
  );
  await vi.advanceTimersByTimeAsync(20_000);
  expect(open).toHaveLength(1);
  open[0]?.reject(new Error('away'));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([open.length, shown]).toEqual([2, [null]]);
  open[1]?.resolve(7);
  await vi.advanceTimersByTimeAsync(5_000);
  expect([open.length, shown]).toEqual([3, [null, 7]]);
  end();
  open[2]?.resolve(8);
  await vi.advanceTimersByTimeAsync(20_000);
  expect([open.length, shown]).toEqual([3, [null, 7]]);
});
