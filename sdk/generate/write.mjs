// Writes what is made from the description of the API: `make sdk` (types of both SDKs, Postman collection).
//
//   node sdk/generate/write.mjs [address]     default: a server of our own, target/debug/plenum or PLENUM_BIN
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { description } from './description.mjs';
import { files } from './files.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
for (const [path, text] of files(await description(process.argv[2]))) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(path);
}
