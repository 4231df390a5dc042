import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOT_CONNECTED, SignalingError } from '../signaling/errors';
import { Healing } from './healing';

describe('a transport that lost its way', () => {
  let restarts: number;
  let lost: number;
  let answer: () => Promise<void>;
  let healing: Healing;

  beforeEach(() => {
    vi.useFakeTimers();
    restarts = 0;
    lost = 0;
    answer = async () => undefined;
    healing = new Healing({
      restart: () => {
        restarts++;
        return answer();
      },
      onLost: () => {
        lost++;
      },
    });
    healing.become('connecting');
    healing.become('connected');
  });
  afterEach(() => vi.useRealTimers());

  it('is left alone when the gap was short', async () => {
    healing.become('disconnected');
    await vi.advanceTimersByTimeAsync(900);
    healing.become('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([restarts, lost]).toEqual([0, 0]);
  });

  it('is restarted after a second, at once when it failed, and no more once it is connected', async () => {
    healing.become('disconnected');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(restarts).toBe(1);
    healing.become('connected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(restarts).toBe(1);
    healing.become('failed');
    expect(restarts).toBe(2);
  });

  it('is restarted at growing intervals, and given up after four times', async () => {
    healing.become('failed');
    const passed = async (ms: number) => {
      await vi.advanceTimersByTimeAsync(ms);
      return restarts;
    };
    expect([await passed(1_499), await passed(1)]).toEqual([1, 2]);
    expect([await passed(2_999), await passed(1)]).toEqual([2, 3]);
    expect([await passed(5_999), await passed(1)]).toEqual([3, 4]);
    expect(lost).toBe(0);
    await passed(12_000);
    expect([restarts, lost]).toEqual([4, 1]);
  });

  it('is restarted when the network changed though nobody noticed, and that is all when it holds', async () => {
    healing.networkChanged();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([restarts, lost]).toEqual([1, 0]);
    healing.become('failed');
    expect(restarts).toBe(2);
  });

  it('is not restarted twice at the same time', async () => {
    answer = () => new Promise(() => undefined);
    healing.become('failed');
    healing.networkChanged();
    healing.become('disconnected');
    await vi.advanceTimersByTimeAsync(60_000);
    expect([restarts, lost]).toEqual([1, 0]);
  });

  it('waits for a link to the server that is down', async () => {
    answer = async () => {
      throw new SignalingError('not connected', { code: NOT_CONNECTED });
    };
    healing.become('failed');
    await vi.advanceTimersByTimeAsync(0);
    answer = async () => healing.become('connected');
    await vi.advanceTimersByTimeAsync(1_500);
    expect([restarts, lost]).toEqual([2, 0]);
  });

  it('is given up at once when the server knows it no longer', async () => {
    answer = async () => {
      throw new SignalingError('Transport not found');
    };
    healing.become('failed');
    await vi.advanceTimersByTimeAsync(0);
    expect([restarts, lost]).toEqual([1, 1]);
  });

  it('is neither restarted nor given up after the session was closed', async () => {
    healing.become('disconnected');
    healing.stop();
    healing.networkChanged();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([restarts, lost]).toEqual([0, 0]);
  });
});
