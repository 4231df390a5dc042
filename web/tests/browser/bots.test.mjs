// Twenty bots (str0m) in one meeting of the whole product: every packet accounted for, none lost on loopback.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Plenum, program } from './harness/plenum.mjs';

/** Runs the load test beside the program under test; answers `{code, report}`. */
async function loadtest(args) {
  const child = spawn(join(dirname(program), 'plenum-loadtest'), [...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  return { code, report: out ? JSON.parse(out) : undefined };
}

describe('a full meeting', () => {
  let plenum;

  before(async () => {
    // Every packet is accounted for, so nothing may be left out on purpose.
    plenum = await Plenum.start({ env: { SFU_AUDIO_LAST_N: '0', SFU_VIDEO_LAST_N: '0' } });
  });
  after(() => plenum.stop());

  test('twenty bots see and hear each other and not one packet is lost, doubled or damaged', async () => {
    // Rates that two cores carry with unoptimised builds on both sides; `make smoke` asks for more. Without loss no camera is
    // left out on purpose, so every packet that does not arrive is a lost one.
    const { code, report } = await loadtest([
      'meeting',
      '--url',
      plenum.url,
      '--every-packet',
      '--audio',
      '--video',
      '--bots',
      '20',
      '--seconds',
      '5',
      '--fps',
      '10',
      '--video-kbps',
      '100',
    ]);
    assert.ok(report, `the load test gave no report, exit code ${code}`);
    const { media } = report;
    assert.deepEqual(report.problems, []);
    assert.equal(media.subscriptions, media.subscriptions_expected);
    assert.equal(media.subscriptions, 20 * 19 * 2);
    assert.ok(media.sent > 20 * 5 * 50, `${media.sent} packets sent`);
    assert.deepEqual(
      [media.received, media.lost, media.left_out, media.duplicated, media.damaged, media.foreign],
      [media.expected, 0, 0, 0, 0, 0],
    );
    assert.equal(code, 0);
  });

  test('fifty sockets chat and leave and everybody hears everything', async () => {
    const { code, report } = await loadtest([
      'signalling',
      '--url',
      plenum.url,
      '--sockets',
      '50',
      '--messages',
      '5',
    ]);
    assert.deepEqual(report?.problems, []);
    assert.equal(code, 0);
  });
});
