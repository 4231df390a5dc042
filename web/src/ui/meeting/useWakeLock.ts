// A screen that goes dark in the middle of a talk is a bad screen: keep it awake while a meeting is on it.
import { useEffect } from 'react';

export function useWakeLock(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | null = null;
    let over = false;
    const take = async () => {
      if (document.visibilityState !== 'visible') return;
      // Refused on low battery and in old browsers; the meeting goes on without.
      lock = (await navigator.wakeLock?.request('screen').catch(() => null)) ?? null;
      if (over) void lock?.release();
    };
    // The browser takes the lock away from a hidden page and does not give it back by itself.
    document.addEventListener('visibilitychange', take);
    void take();
    return () => {
      over = true;
      document.removeEventListener('visibilitychange', take);
      void lock?.release();
    };
  }, []);
}
