import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TypingTeller } from './typing';

let told: boolean[];
let teller: TypingTeller;
let now: number;

const press = (ms: number) => {
  now += ms;
  vi.advanceTimersByTime(ms);
  teller.pressed(now);
};

beforeEach(() => {
  vi.useFakeTimers();
  told = [];
  now = 0;
  teller = new TypingTeller((on) => told.push(on));
});
afterEach(() => vi.useRealTimers());

it('says that somebody writes again before the server forgets, and not at every key', () => {
  for (let key = 0; key < 30; key++) press(200);
  expect(told).toEqual([true, true, true]);
});

it('says that it stopped after a pause, once', () => {
  press(0);
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([true, false]);
  teller.stopped();
  expect(told).toEqual([true, false]);
});

it('says nothing more when the line was sent, because the line says it', () => {
  press(0);
  teller.sent();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([true]);
});
