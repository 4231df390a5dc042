// What our web client does about real networks: ICE restarts, and layers nobody watches.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { Link } from './harness/link.mjs';
import { until } from './harness/until.mjs';

/** A machine that compiles meanwhile takes its time; nothing here is about how fast. */
const PATIENCE_MS = 60_000;

describe('the web client on real networks', () => {
  const hall = openHall();

  /** Host and member in a meeting the host made; the member's media goes by `way`. */
  const twoInside = async (way) => {
    const [ada, ben] = await Promise.all([hall.visitor('host'), hall.visitor('member')]);
    await way?.carry(ben.page);
    const link = await ada.createMeeting('Bad networks', ['member@demo.test']);
    await ada.enter();
    await ben.open(link);
    await ben.enter();
    await Promise.all([ada.sees(ben.name, 5, PATIENCE_MS), ben.sees(ada.name, 5, PATIENCE_MS)]);
    return { ada, ben };
  };

  /** The server's credentials as each connection of a page that is up knows them. */
  const credentials = ({ page }) =>
    page.evaluate(() =>
      window.peerConnections
        .filter(({ connectionState }) => connectionState === 'connected')
        .map((connection) => /a=ice-ufrag:(\S+)/.exec(connection.remoteDescription?.sdp ?? '')?.[1]),
    );

  /** Rids of a camera's encodings, and which of them grow within half a second. */
  const encodings = async ({ page }) => {
    const frames = () =>
      page.evaluate(async () => {
        const { outbound } = await window.plenum.stats();
        const camera = outbound.filter(({ source }) => source === 'camera');
        return Object.fromEntries(camera.map(({ rid, framesEncoded }) => [rid, framesEncoded ?? 0]));
      });
    const before = await frames();
    await page.waitForTimeout(500);
    const now = await frames();
    return Object.keys(now)
      .filter((rid) => now[rid] > (before[rid] ?? 0))
      .sort();
  };

  test('a change of network restarts ICE, and pictures and sound go on over the same connections (ADD-EV-72)', async () => {
    const { ada, ben } = await twoInside();
    const before = await credentials(ben);
    assert.equal(before.length, 2, 'one connection each way');
    await ben.page.evaluate(() => window.dispatchEvent(new Event('online')));
    await until('both connections have new credentials', PATIENCE_MS, async () => {
      const now = await credentials(ben);
      return now.length === 2 && now.every((ufrag, index) => ufrag && ufrag !== before[index]);
    });
    const made = await ben.page.evaluate(() => window.peerConnections.length);
    await Promise.all([
      ada.sees(ben.name, 20, PATIENCE_MS),
      ben.sees(ada.name, 20, PATIENCE_MS),
      ada.hears(PATIENCE_MS),
      ben.hears(PATIENCE_MS),
    ]);
    assert.equal(await ben.page.evaluate(() => window.peerConnections.length), made, 'none was made anew');
    const room = await ben.page.evaluate(() => window.plenum.room());
    assert.equal(room.mediaRestarting, false);
  });

  test('layers that the only viewer does not need are switched off, and on again (ADD-EV-70, ADD-EV-73)', async () => {
    const { ada, ben } = await twoInside();
    // A wide window: the tile is worth the largest layer.
    await ben.page.setViewportSize({ width: 1600, height: 1000 });
    await until('ada sends all his layers', PATIENCE_MS, async () => (await encodings(ada)).length === 3);
    // A small one: ada is a thumbnail.
    await ben.page.setViewportSize({ width: 390, height: 560 });
    await until('ada sends a small layer only', PATIENCE_MS, async () => {
      const sent = await encodings(ada);
      return sent.length === 1 && sent[0] === 'r0';
    });
    await ben.sees(ada.name, 5, PATIENCE_MS);
    // Up is told at once: seconds are for the encoder and the estimate of the path.
    await ben.page.setViewportSize({ width: 1600, height: 1000 });
    await until(
      'ada sends all his layers again',
      PATIENCE_MS,
      async () => (await encodings(ada)).length === 3,
    );
    await ben.sees(ada.name, 5, PATIENCE_MS);
    // Nobody looks: nothing is sent at all.
    await ben.button('Leave').click();
    await until('ada sends nothing', PATIENCE_MS, async () => (await encodings(ada)).length === 0);
  });

  test('everybody who is heard is marked, not only one (ADD-EV-74)', async () => {
    const { ada, ben } = await twoInside();
    for (const one of [ada, ben]) {
      await until('both are heard at once', PATIENCE_MS, async () => {
        const speakers = await one.page.evaluate(() => window.plenum.room().speakers);
        return speakers.length === 2 && speakers.includes('self');
      });
    }
    await ada.page.locator('[data-testid="tile"][data-speaking]:not([data-self])').waitFor();
    await ada.page.locator('[data-testid="tile"][data-speaking][data-self]').waitFor();
  });

  test('the mark of somebody whose link gets bad changes for everybody, and changes back (CLI-04, ADD-EV-12, ADD-EV-95)', async () => {
    const way = new Link();
    try {
      const { ada, ben } = await twoInside(way);
      const row = ({ page }, name) => page.getByTestId('participant').filter({ hasText: name });
      const mark = (visitor, name) => row(visitor, name).getByTestId('quality');
      for (const one of [ada, ben]) await one.button('Participants').click();
      const is = (visitor, name, wanted) =>
        until(`${name} is ${wanted} for ${visitor.name}`, PATIENCE_MS, async () =>
          wanted.test((await mark(visitor, name).getAttribute('data-quality')) ?? ''),
        );
      const isForAll = (wanted) => Promise.all([is(ada, ben.name, wanted), is(ben, ben.name, wanted)]);
      await isForAll(/^(excellent|good)$/);

      way.loss = 0.4;
      await isForAll(/^(fair|poor)$/);
      // He sees the numbers of his own, and the host those of everybody.
      await until('loss in numbers', PATIENCE_MS, async () =>
        /^(Weak|Poor) connection, .*[1-9][\d.]* % lost/.test(await mark(ben, ben.name).getAttribute('title')),
      );
      // A screen that is touched shows no tooltip: they are behind the mark as well, and by the keyboard.
      await row(ben, ben.name)
        .getByRole('button', { name: /connection/ })
        .press('Enter');
      const numbers = ben.page.getByTestId('own-connection');
      await until('loss behind the mark', PATIENCE_MS, async () => /% lost/.test(await numbers.innerText()));
      await ben.page.keyboard.press('Escape');
      await numbers.waitFor({ state: 'hidden' });
      await row(ada, ben.name)
        .getByRole('button', { name: `Manage ${ben.name}` })
        .click();
      await until('his numbers, for the host', PATIENCE_MS, async () =>
        /% lost/.test(await ada.page.getByTestId('connection').textContent()),
      );
      await ada.page.keyboard.press('Escape');
      await ada.page.getByRole('dialog').waitFor({ state: 'detached' });

      way.loss = 0;
      await isForAll(/^(excellent|good)$/);
    } finally {
      way.close();
    }
  });
});
