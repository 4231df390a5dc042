// A quick look at the release build: twenty bots at full rates in one meeting, every packet accounted for.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.env.PLENUM_BIN ??= fileURLToPath(new URL('../target/release/plenum', import.meta.url));
const { Plenum } = await import('../web/tests/browser/harness/plenum.mjs');

const plenum = await Plenum.start();
const bots = process.env.PLENUM_BIN.replace(/plenum$/, 'plenum-loadtest');
const { status } = spawnSync(
  bots,
  ['meeting', '--url', plenum.url, '--pid', String(plenum.pid), '--pid', String(plenum.sfuPid), ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
const { code } = await plenum.stop();
process.exit(status || code);
