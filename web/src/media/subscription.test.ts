import type { types } from 'mediasoup-client';
import { expect, it } from 'vitest';
import type { Signaling } from '../signaling/events';
import type { ProducerRef } from './session';
import { MediasoupSubscription } from './subscription';

function subscription() {
  const asked: string[] = [];
  const server = { refuses: false };
  const request = async (event: string) => {
    asked.push(event);
    if (server.refuses) throw new Error('away');
  };
  const consumer = { id: 'c', closed: false } as types.Consumer;
  const signaling = { request } as unknown as Pick<Signaling, 'request'>;
  return { asked, server, of: new MediasoupSubscription(consumer, {} as ProducerRef, signaling, false) };
}

it('asks for a view and a priority once, and again after it was refused', async () => {
  const { asked, server, of } = subscription();
  const view = { width: 320, height: 180, layer: null };
  server.refuses = true;
  await expect(of.setView(view)).rejects.toThrow();
  await expect(of.setPriority(2)).rejects.toThrow();
  server.refuses = false;
  for (let round = 0; round < 2; round++) {
    await of.setView(view);
    await of.setPriority(2);
  }
  const both = ['set-preferred-layers', 'set-consumer-priority'];
  expect(asked).toEqual([...both, ...both]);
});

it('knows what the server knows when it did not hear of a pause', async () => {
  const { asked, server, of } = subscription();
  server.refuses = true;
  await expect(of.setPaused(true)).rejects.toThrow();
  expect(of.paused).toBe(false);
  server.refuses = false;
  await of.setPaused(true);
  expect(of.paused).toBe(true);
  expect(asked).toEqual(['pause-consumer', 'pause-consumer']);
});
