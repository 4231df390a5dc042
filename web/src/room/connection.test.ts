import { expect, it } from 'vitest';
import type { TransportStats } from '../signaling/stats';
import { connectionOf, connectionWords } from './connection';

const way = (
  fractionLost: number,
  roundTripTime: number | null,
  sending: TransportStats['sending'] = null,
): TransportStats => ({ transportId: 't', direction: 'recv', fractionLost, roundTripTime, sending });

it('says the worse of both directions', () => {
  const connection = connectionOf([way(0.042, 0.02), way(0, 0.18)]);
  expect(connectionWords('fair', connection)).toBe('Weak connection, 4.2 % lost, 180 ms round trip');
});

it.each([
  { picturesLimited: 1, picturesWithheld: 0 },
  { picturesLimited: 0, picturesWithheld: 1 },
])('says that pictures are held back: %o', (sending) => {
  const connection = connectionOf([way(0, null), way(0, null, sending)]);
  expect(connectionWords('good', connection)).toBe(
    'Good connection, 0.0 % lost, too slow for larger pictures',
  );
});

it('claims nothing that nobody measured', () => {
  expect(connectionWords(null, null)).toBe('Connection not measured yet');
  expect(connectionOf([])).toEqual({ lossPercent: 0, roundTripMs: null, slow: false });
});
