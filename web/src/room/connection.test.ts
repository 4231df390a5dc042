import { expect, it } from 'vitest';
import type { SessionStats } from '../signaling/stats';
import { connectionOf, connectionWords } from './connection';

const transport = (fractionLost: number, roundTripTime: number | null) => ({
  transportId: 't',
  direction: 'recv' as const,
  fractionLost,
  roundTripTime,
});

const stats = (more: Partial<SessionStats>): SessionStats => ({
  participantId: 'p',
  quality: null,
  transports: [],
  consumers: [],
  ...more,
});

it('says the worse of both directions', () => {
  const both = stats({ transports: [transport(0.042, 0.02), transport(0, 0.18)] });
  const connection = connectionOf(both);
  expect(connectionWords('fair', connection)).toBe('Weak connection, 4.2 % lost, 180 ms round trip');
});

it('says that pictures are held back', () => {
  const limited = { consumerId: 'c', currentLayer: { spatialLayer: 0 }, limitedBy: 'bandwidth' as const };
  const connection = connectionOf(stats({ transports: [transport(0, null)], consumers: [limited] }));
  expect(connectionWords('good', connection)).toBe(
    'Good connection, 0.0 % lost, too slow for larger pictures',
  );
});

it('claims nothing that nobody measured', () => {
  expect(connectionWords(null, null)).toBe('Connection not measured yet');
  expect(connectionOf(stats({}))).toEqual({ lossPercent: 0, roundTripMs: null, slow: false });
});
