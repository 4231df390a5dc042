import { describe, expect, it, vi } from 'vitest';
import { LayerSwitch, RETRY_MS, type Sender, watchedEncodings } from './layerSwitch';

class FakeSender {
  encodings: RTCRtpEncodingParameters[];
  changes = 0;
  refuses = false;

  constructor(count: number) {
    this.encodings = Array.from({ length: count }, () => ({}));
  }

  getParameters() {
    return { encodings: this.encodings.map((encoding) => ({ ...encoding })) };
  }

  async setParameters({ encodings }: { encodings: RTCRtpEncodingParameters[] }): Promise<void> {
    this.changes++;
    if (this.refuses) throw new DOMException('busy', 'InvalidStateError');
    this.encodings = encodings;
  }

  get active() {
    return this.encodings.map(({ active = true }) => active);
  }
}

const switchOf = (sender: FakeSender) => new LayerSwitch(sender as unknown as Sender);

describe('encodings that are watched', () => {
  it.each([
    [3, null, [false, false, false]],
    [3, 0, [true, false, false]],
    [3, 1, [true, true, false]],
    [3, 7, [true, true, true]],
    [1, 0, [true]],
    [1, null, [false]],
  ])('of %i encodings with %s watched are %s', (count, highest, active) => {
    expect(watchedEncodings(count, highest)).toEqual(active);
  });

  it('are switched off and on again, and not touched when nothing changes', async () => {
    const sender = new FakeSender(3);
    const layers = switchOf(sender);
    await layers.set(2);
    expect(sender.changes).toBe(0);
    await layers.set(0);
    expect(sender.active).toEqual([true, false, false]);
    await layers.set(null);
    await layers.set(2);
    expect([sender.active, sender.changes]).toEqual([[true, true, true], 3]);
  });

  it('end as they were asked for last, however fast it was asked', async () => {
    const sender = new FakeSender(3);
    const layers = switchOf(sender);
    await Promise.all([layers.set(0), layers.set(null), layers.set(1)]);
    expect(sender.active).toEqual([true, true, false]);
  });

  it('follow a moment later where the browser refuses at first', async () => {
    vi.useFakeTimers();
    const sender = new FakeSender(2);
    const layers = switchOf(sender);
    await layers.set(null);
    sender.refuses = true;
    await layers.set(0);
    await vi.advanceTimersByTimeAsync(3 * RETRY_MS);
    expect(sender.active).toEqual([false, false]);
    sender.refuses = false;
    await vi.advanceTimersByTimeAsync(RETRY_MS);
    expect(sender.active).toEqual([true, false]);
    vi.useRealTimers();
  });

  it('are left alone by a switch that was closed, and by a sender that refuses for good', async () => {
    vi.useFakeTimers();
    const sender = new FakeSender(2);
    sender.refuses = true;
    const layers = switchOf(sender);
    await layers.set(0);
    await vi.advanceTimersByTimeAsync(100 * RETRY_MS);
    expect(vi.getTimerCount()).toBe(0);
    await layers.set(null);
    layers.close();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});
