import { expect, it } from 'vitest';
import { bytes } from '../chat/size';
import { minuteTicks, minuteWords, stepFor, ticks } from './scale';

it.each([
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [13, [0, 5, 10, 15]],
  [97, [0, 50, 100]],
])('lines of a chart up to %i are round and reach it', (top, lines) => {
  expect(ticks(top, 4)).toEqual(lines);
});

it('counted things have no halves', () => {
  expect(stepFor(2, 10)).toBe(1);
});

it('minutes are named as often as there is room', () => {
  expect(minuteTicks(52, 6)).toEqual([0, 10, 20, 30, 40, 50]);
  expect(minuteTicks(3, 10)).toEqual([0, 1, 2, 3]);
  expect(minuteTicks(600, 6)).toEqual([0, 120, 240, 360, 480, 600]);
});

it('durations and sizes are in words', () => {
  expect(minuteWords(0.4)).toBe('0 min');
  expect(minuteWords(90)).toBe('1 h 30 min');
  expect(minuteWords(120)).toBe('2 h');
  expect([812, 1_400, 184_320, 2_840_000_000].map(bytes)).toEqual([
    '812 bytes',
    '1.4 KB',
    '184 KB',
    '2.8 GB',
  ]);
});
