// Networks that let no UDP out: real Chromium with unmodified mediasoup-client, which gets TCP candidates only.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './harness/browser.mjs';
import { Person, serveForeignPage } from './harness/foreign.mjs';
import { Plenum } from './harness/plenum.mjs';
import { liveMeeting } from './harness/rest.mjs';

/** A machine that compiles meanwhile takes its time; nothing here is about how fast. */
const PATIENCE_MS = 60_000;

describe('media over TCP', () => {
  let plenum;
  let foreign;
  let browser;

  before(async () => {
    foreign = await serveForeignPage();
    plenum = await Plenum.start({ env: { FRONTEND_URL: foreign.origin } });
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    await plenum?.stop();
    foreign?.close();
  });

  /** What each connection of a page that is up runs over, by the pair of candidates it chose. */
  const protocols = ({ page }) =>
    page.evaluate(() =>
      Promise.all(
        window.peerConnections.map(async (connection) => {
          if (connection.connectionState !== 'connected') return [];
          const report = await connection.getStats();
          const transport = [...report.values()].find(({ type }) => type === 'transport');
          const pair = report.get(transport?.selectedCandidatePairId);
          return [report.get(pair?.remoteCandidateId)?.protocol];
        }),
      ).then((each) => each.flat()),
    );

  test('somebody whose network lets no UDP out sees and is seen, hears and is heard, also by those who have it', async () => {
    const { meeting, people } = await liveMeeting(plenum);
    const [ada, ben] = [
      await Person.open(browser, foreign.origin),
      await Person.open(browser, foreign.origin),
    ];
    await ada.join(plenum, people.host, meeting.id, { protocol: 'tcp' });
    await ben.join(plenum, people.member, meeting.id);
    await ada.publish();
    await ben.publish();
    const patiently = { deadlineMs: PATIENCE_MS };
    await Promise.all([
      ada.sees(ben.participantId, { frames: 30, ...patiently }),
      ben.sees(ada.participantId, { frames: 30, ...patiently }),
      ada.hears(ben.participantId, patiently),
      ben.hears(ada.participantId, patiently),
    ]);
    assert.deepEqual(await protocols(ada), ['tcp', 'tcp'], 'one connection each way');
    assert.deepEqual(await protocols(ben), ['udp', 'udp'], 'UDP goes first where it works');
    // What TCP carries is whole: nothing is missing in either stream.
    for (const { kind, packetsLost } of await ada.receiving()) assert.equal(packetsLost, 0, kind);
    await Promise.all([ada.close(), ben.close()]);
  });
});
