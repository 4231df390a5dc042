// Networks that let no UDP out: real Chromium with unmodified mediasoup-client, which gets TCP candidates only.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { liveMeeting } from './harness/rest.mjs';

/** A machine that compiles meanwhile takes its time; nothing here is about how fast. */
const PATIENCE_MS = 60_000;

describe('media over TCP', () => {
  const hall = openHall();

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
    const { meeting, people } = await liveMeeting(hall.plenum);
    const [ada, ben] = [await hall.person(), await hall.person()];
    await ada.join(hall.plenum, people.host, meeting.id, { protocol: 'tcp' });
    await ben.join(hall.plenum, people.member, meeting.id);
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
  });
});
