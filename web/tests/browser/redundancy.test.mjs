// Redundant sound (RED) in real Chromium with unmodified mediasoup-client, which never heard of it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { liveMeeting } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

describe('redundant sound', () => {
  const hall = openHall();

  const counted = async (name) => {
    const text = await (await fetch(`${hall.node}/metrics`)).text();
    const values = text.matchAll(new RegExp(`^plenum_sfu_${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  };

  test('a browser that publishes plain Opus is heard by one that is sent it with redundancy', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum, ['host', 'member']);
    const [ada, ben] = [await hall.person(), await hall.person()];
    await ada.join(hall.plenum, people.host, meeting.id);
    await ben.join(hall.plenum, people.member, meeting.id);
    await ada.publish({ video: false });
    await ben.hears(ada.participantId);
    // Until a path is known one packet is repeated in each.
    await until('redundancy', 10_000, async () => (await counted('red_sent_total')) > 5);
    assert.equal(await counted('red_received_total'), 0);
    await ben.hears(ada.participantId);
    const [sound] = await ben.receiving({ kind: 'audio', from: ada.participantId });
    assert.equal(sound.packetsLost, 0);
  });
});
