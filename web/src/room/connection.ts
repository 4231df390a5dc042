// How a connection does, in numbers and in words.
import type { Quality } from '../signaling/events';
import type { TransportStats } from '../signaling/stats';

export interface Connection {
  /** Lost packets of the worse direction, in percent. */
  lossPercent: number;
  /** Null until it is measured. */
  roundTripMs: number | null;
  /** Pictures are smaller than asked for, or missing, because the connection does not carry more. */
  slow: boolean;
}

const WORDS: Record<Quality, string> = {
  excellent: 'Excellent connection',
  good: 'Good connection',
  fair: 'Weak connection',
  poor: 'Poor connection',
};

export function connectionOf(transports: readonly TransportStats[]): Connection {
  const trips = transports.flatMap(({ roundTripTime }) => roundTripTime ?? []);
  return {
    lossPercent: Math.max(0, ...transports.map(({ fractionLost }) => fractionLost * 100)),
    roundTripMs: trips.length > 0 ? Math.max(...trips) * 1_000 : null,
    slow: transports.some(
      ({ sending }) => sending !== null && sending.picturesLimited + sending.picturesWithheld > 0,
    ),
  };
}

/** "Weak connection". */
export function qualityWords(quality: Quality | null): string {
  return quality ? WORDS[quality] : 'Connection not measured yet';
}

/** "4.2 % lost", "180 ms round trip", "too slow for larger pictures", each by itself. */
export function connectionFacts(connection: Connection | null): string[] {
  if (!connection) return [];
  const facts = [`${connection.lossPercent.toFixed(1)} % lost`];
  if (connection.roundTripMs !== null) facts.push(`${Math.round(connection.roundTripMs)} ms round trip`);
  if (connection.slow) facts.push('too slow for larger pictures');
  return facts;
}

/** "Weak connection, 4.2 % lost, 180 ms round trip, too slow for larger pictures". */
export function connectionWords(quality: Quality | null, connection: Connection | null): string {
  return [qualityWords(quality), ...connectionFacts(connection)].join(', ');
}
