// Counts down to the end of the breakout rooms, once a second.
import { useEffect, useState } from 'react';
import { timeLeft } from '../../room/breakouts';

export function useTimeLeft(closesAt: number | null): string | null {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (closesAt === null) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [closesAt]);
  return timeLeft(closesAt, now);
}
