// The example of the README, which is that of the API guide: its text with other addresses, tokens and ids, and nothing else.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const readme = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');

/** The example as it stands. */
export function example() {
  const block = /## The example\n\n```typescript\n([\s\S]*?)```/.exec(readme);
  if (!block) throw new Error('the README has no example');
  return block[1];
}

/** The same for this server, person and meeting. */
export function exampleFor({ url, token, meetingId }) {
  const given = { 'https://api.example.com': url, 'your-jwt-token': token, 'meeting-id': meetingId };
  let text = example();
  for (const [placeholder, value] of Object.entries(given)) {
    if (!text.includes(`'${placeholder}'`)) throw new Error(`the example has no '${placeholder}'`);
    text = text.replaceAll(`'${placeholder}'`, `'${value}'`);
  }
  return text;
}
