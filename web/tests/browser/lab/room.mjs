// Driven by the network laboratory (sfu/tests/lab/real): runs in the near namespace, puts a Chromium into the far one, and
// prints what its viewer sees, a line of JSON for each look. Ends when its input does.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../harness/browser.mjs';
import { Person, serveForeignPage } from '../harness/foreign.mjs';
import { Plenum } from '../harness/plenum.mjs';
import { liveMeeting } from '../harness/rest.mjs';
import { until } from '../harness/until.mjs';

const address = process.env.LAB_ADDRESS;
const LOOK_EVERY_MS = 200;
const FULL_RATE = 1_400_000;
const SETTLED_AFTER_MS = 15_000;
const picture = {
  width: Number(process.env.LAB_WIDTH),
  height: Number(process.env.LAB_HEIGHT),
  frameRate: Number(process.env.LAB_FRAME_RATE),
};
const encodings = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 450_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];

const temporary = mkdtempSync(join(tmpdir(), 'plenum-lab-'));
const closing = [() => rmSync(temporary, { recursive: true, force: true })];

/** Chromium is a program of the far side there; its pipes to us are inherited. */
function chromiumBeyond(namespace) {
  const wrapper = join(temporary, 'chromium');
  const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
  writeFileSync(wrapper, `#!/bin/sh\nexec nsenter --net=${namespace} -- ${chromium} "$@"\n`, { mode: 0o755 });
  return wrapper;
}

/** The viewer's numbers: of the one picture and the one sound it gets. */
function look(person) {
  return person.page.evaluate(async () => {
    const found = {};
    for (const connection of window.peerConnections) {
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type === 'inbound-rtp') found[stat.kind] = stat;
      }
    }
    const { video = {}, audio = {} } = found;
    return {
      width: video.frameWidth,
      frames: video.framesDecoded,
      freezes: video.freezeCount,
      frozen: video.totalFreezesDuration,
      concealed: (audio.concealedSamples ?? 0) - (audio.silentConcealedSamples ?? 0),
      sounds: audio.totalSamplesReceived,
    };
  });
}

/**
 * The publisher's numbers: what its best encoding is made for, in bit/s, which grows with what the publisher believes of its
 * own line; and the pictures it has made, which are few on a busy machine.
 */
function making(person) {
  return person.page.evaluate(async () => {
    let [target, made] = [0, 0];
    for (const connection of window.peerConnections) {
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type !== 'outbound-rtp') continue;
        target = Math.max(target, stat.targetBitrate ?? 0);
        made = Math.max(made, stat.framesEncoded ?? 0);
      }
    }
    return { target, made };
  });
}

async function main() {
  const foreign = await serveForeignPage(address);
  closing.push(() => foreign.close());
  const plenum = await Plenum.start({
    host: address,
    env: { HOST: address, SFU_LISTEN: address, FRONTEND_URL: foreign.origin },
  });
  closing.push(() => plenum.stop());
  const trusted = `--unsafely-treat-insecure-origin-as-secure=${foreign.origin}`;
  const near = await launch({ args: [trusted, `--use-file-for-fake-video-capture=${process.env.LAB_FILM}`] });
  closing.push(() => near.close());
  const far = await launch({ args: [trusted], executablePath: chromiumBeyond(process.env.LAB_VIEWER) });
  closing.push(() => far.close());

  const { meeting, people } = await liveMeeting(plenum);
  const publisher = await Person.open(near, foreign.origin);
  await publisher.join(plenum, people.host, meeting.id);
  await publisher.publish({ video: picture, encodings });
  const viewer = await Person.open(far, foreign.origin);
  await viewer.join(plenum, people.member, meeting.id);
  // The best picture at its full rate is there soon on a machine that can encode it; a busy one goes on with what it can.
  const busyAfter = performance.now() + SETTLED_AFTER_MS;
  await until('a picture', 60_000, async () => {
    const { width, frames } = await look(viewer);
    const isBest = width === picture.width && (await making(publisher)).target >= FULL_RATE;
    return isBest || (frames > 100 && performance.now() > busyAfter);
  });

  process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
  for (;;) {
    const began = performance.now();
    const { made } = await making(publisher);
    process.stdout.write(`${JSON.stringify({ made, ...(await look(viewer)) })}\n`);
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS - (performance.now() - began)));
  }
}

async function close() {
  for (const one of closing.reverse()) await Promise.resolve(one()).catch(() => {});
}

process.stdin.resume();
const ended = new Promise((done) => process.stdin.once('end', done));
const failed = await Promise.race([ended, main().catch((error) => error)]);
await close();
if (failed instanceof Error) {
  console.error(failed);
  process.exit(1);
}
process.exit(0);
