// Redundant sound (RED) in real Chromium with unmodified mediasoup-client, which never heard of it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './harness/browser.mjs';
import { Person, serveForeignPage } from './harness/foreign.mjs';
import { freePort, Plenum } from './harness/plenum.mjs';
import { liveMeeting } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

describe('redundant sound', () => {
  let plenum;
  let foreign;
  let browser;
  let sfu;

  before(async () => {
    foreign = await serveForeignPage();
    const port = await freePort();
    sfu = `http://127.0.0.1:${port}`;
    plenum = await Plenum.start({
      env: { FRONTEND_URL: foreign.origin, SFU_HTTP: `127.0.0.1:${port}` },
    });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await plenum?.stop();
    foreign?.close();
  });

  const counted = async (name) => {
    const text = await (await fetch(`${sfu}/metrics`)).text();
    const values = text.matchAll(new RegExp(`^plenum_sfu_${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'));
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0);
  };

  test('a browser that publishes plain Opus is heard by one that is sent it with redundancy', async () => {
    const { meeting, people } = await liveMeeting(plenum, ['host', 'member']);
    const [ada, ben] = [
      await Person.open(browser, foreign.origin),
      await Person.open(browser, foreign.origin),
    ];
    await ada.join(plenum, people.host, meeting.id);
    await ben.join(plenum, people.member, meeting.id);
    await ada.publish({ video: false });
    await ben.hears(ada.participantId);
    // Until a path is known one packet is repeated in each.
    await until('redundancy', 10_000, async () => (await counted('red_sent_total')) > 5);
    assert.equal(await counted('red_received_total'), 0);
    await ben.hears(ada.participantId);
    const [sound] = await ben.receiving({ kind: 'audio', from: ada.participantId });
    assert.equal(sound.packetsLost, 0);
    await Promise.all([ada.close(), ben.close()]);
  });
});
