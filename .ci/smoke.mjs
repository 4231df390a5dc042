// A quick look at the release build: twenty bots at full rates in one meeting, every packet accounted for.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.env.PLENUM_BIN ??= fileURLToPath(new URL('../target/release/plenum', import.meta.url));
const { Plenum } = await import('../web/tests/browser/harness/plenum.mjs');

// Every packet is accounted for, so nothing may be left out on purpose.
const plenum = await Plenum.start({ env: { SFU_AUDIO_LAST_N: '0', SFU_VIDEO_LAST_N: '0' } });
const bots = process.env.PLENUM_BIN.replace(/plenum$/, 'plenum-loadtest');
const { status } = spawnSync(
  bots,
  [
    ...['meeting', '--url', plenum.url, '--every-packet', '--audio', '--video'],
    ...['--pid', String(plenum.pid), '--pid', String(plenum.sfuPid)],
    ...process.argv.slice(2),
  ],
  { stdio: 'inherit' },
);
const { code } = await plenum.stop();
process.exit(status || code);
