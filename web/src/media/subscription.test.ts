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

it('asks for what it wants where it does not know what the server did', async () => {
  const { asked, server, of } = subscription();
  const wide = { width: 320, height: 180, layer: null };
  await of.setView(wide);
  // Each of these may have reached the server: only the answer is missing.
  server.refuses = true;
  await expect(of.setPaused(true)).rejects.toThrow();
  await expect(of.setPriority(2)).rejects.toThrow();
  await expect(of.setView({ ...wide, width: 640 })).rejects.toThrow();
  server.refuses = false;
  asked.length = 0;
  for (let round = 0; round < 2; round++) {
    await of.setPaused(false);
    await of.setPriority(1);
    await of.setView(wide);
  }
  expect(asked).toEqual(['resume-consumer', 'set-consumer-priority', 'set-preferred-layers']);
});

it('pauses again after it was refused, and once', async () => {
  const { asked, server, of } = subscription();
  server.refuses = true;
  await expect(of.setPaused(true)).rejects.toThrow();
  server.refuses = false;
  await of.setPaused(true);
  await of.setPaused(true);
  expect(asked).toEqual(['pause-consumer', 'pause-consumer']);
});
