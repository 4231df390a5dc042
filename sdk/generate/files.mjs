// What is made from the description, and where it stands.

import { postman } from './postman.mjs';
import { python } from './python.mjs';
import { codes, Shapes } from './shapes.mjs';
import { typescript } from './typescript.mjs';

/** path from the root of the repository -> text */
export function files(described) {
  const { api } = described;
  const shapes = new Shapes(described);
  return new Map([
    ['sdk/js/src/generated/v1.ts', typescript(shapes, codes(api))],
    ['sdk/python/meeting_sdk/_generated.py', python(shapes, codes(api))],
    ['docs/postman/meeting-api.json', `${JSON.stringify(postman(api), null, 1)}\n`],
  ]);
}
