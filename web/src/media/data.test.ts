import type { types } from 'mediasoup-client';
import { expect, it } from 'vitest';
import { MediasoupData } from './data';

/** A transport whose channels open at once, at most `max` at a time. */
function scene(max: number) {
  const open = new Set<string>();
  let next = 0;
  const produceData = async ({ label }: { label: string }) => {
    if (open.size >= max) throw new Error('too many data channels');
    const id = `${label}-${next++}`;
    open.add(id);
    let closed: () => void = () => undefined;
    const observer = {
      once: (_event: string, then: () => void) => {
        closed = then;
      },
    };
    const close = () => {
      open.delete(id);
      closed();
    };
    return { id, readyState: 'open', bufferedAmount: 0, send: () => undefined, observer, close };
  };
  const transport = async () => ({ produceData }) as unknown as types.Transport;
  const request = () => Promise.reject(new Error('nothing is asked here'));
  return { open, data: new MediasoupData({ signaling: { request }, transport }) };
}

it('add_ev_87 closes every channel of a label and no other, and opens it anew', async () => {
  const { open, data } = scene(3);
  await data.send('a', 'x', {});
  await data.send('a', 'x', { ordered: false, maxRetransmits: 0 });
  await data.send('b', 'x', {});
  await expect(data.send('c', 'x', {})).rejects.toThrow('too many');
  expect(await data.close('a')).toEqual(['a-0', 'a-1']);
  expect([...open]).toEqual(['b-2']);
  for (let round = 0; round < 2; round++) {
    await data.send('c', 'x', {});
    await data.send('a', 'x', {});
  }
  expect([...open]).toEqual(['b-2', 'c-3', 'a-4']);
  expect(await data.close('nothing')).toEqual([]);
});
