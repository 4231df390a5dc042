// Contract coverage: which ids of docs/contract are carried by a test's name, which come later and why, and which are forgotten.
// Exit 1 when an id is neither tested nor marked, or is marked as later although a test carries it.
// Options: --all prints covered and later ids one by one too.
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const read = (path) => readFileSync(join(root, path), 'utf8');

/** Every id of the contract in file order, with the heading it is reported under. */
function contractIds() {
  const entries = [];
  for (const file of ['rest.yaml', 'events.yaml', 'rules.yaml']) {
    const kind = file.replace('.yaml', '');
    for (const line of read(`docs/contract/${file}`).split('\n')) {
      const id = /^ *- \{?id: ([A-Z0-9]+(?:-[A-Z0-9]+)+[a-z]?)\b/.exec(line)?.[1];
      if (id) entries.push({ id, group: kind === 'rules' ? `rules ${area(id)}` : `${dialect(id)} ${kind}` });
    }
  }
  return entries;
}

const area = (id) => id.slice(0, id.lastIndexOf('-'));

function dialect(id) {
  const names = { KCS: 'kcs', JF: 'joinfix', V1: 'v1', SIG: 'messenger', EXT: 'messenger', CLS: 'classroom', ADD: 'additions' };
  return names[id.split('-')[0]] ?? id.split('-')[0];
}

/** docs/contract/later.yaml: blocks of `- later: reason` or `- constraint: note`, each with `ids: [A-01, A-02..09]`. */
function marked() {
  const marks = new Map();
  const blocks = read('docs/contract/later.yaml').split(/^- /m).slice(1);
  for (const block of blocks) {
    const [, kind, reason] = /^(later|constraint): (.*)/.exec(block) ?? fail(`later.yaml: a block starts with neither later nor constraint: ${block.slice(0, 60)}`);
    const list = /ids: \[([^\]]*)\]/.exec(block)?.[1] ?? fail(`later.yaml: no ids under "${reason}"`);
    for (const id of list.split(',').map((part) => part.trim()).filter(Boolean).flatMap(expand)) {
      if (marks.has(id)) fail(`later.yaml: ${id} stands twice`);
      marks.set(id, { kind, reason: reason.replace(/^['"]|['"]$/g, '') });
    }
  }
  return marks;
}

function expand(range) {
  const parts = /^(.+-)(\d+)\.\.(\d+)$/.exec(range);
  if (!parts) return [range];
  const [, prefix, first, last] = parts;
  return Array.from({ length: last - first + 1 }, (_, i) => prefix + String(Number(first) + i).padStart(first.length, '0'));
}

/** Test names of the whole tree: Rust functions under a test attribute or in an `on_both!` list, titles of JavaScript
 *  tests, methods of Python tests. */
function testNames() {
  const names = [];
  for (const path of files(root)) {
    const text = readFileSync(path, 'utf8');
    const found = path.endsWith('.rs') ? rustTests(text) : path.endsWith('.py') ? pythonTests(text) : scriptTests(text);
    for (const name of found) names.push({ name, path: relative(root, path) });
  }
  return names;
}

function* files(folder) {
  for (const entry of readdirSync(folder)) {
    if (['target', 'node_modules', 'dist', '.git', '.tools', 'data'].includes(entry)) continue;
    const path = join(folder, entry);
    const stat = statSync(path);
    if (stat.isDirectory()) yield* files(path);
    else if (/\.rs$|\.test\.(m?js|tsx?)$|^test_\w+\.py$/.test(entry)) yield path;
  }
}

function* rustTests(text) {
  const attributed = /#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:pub )?(?:async )?fn (\w+)/g;
  for (const [, name] of text.matchAll(attributed)) yield name;
  // Cases that are told on two databases are listed by name.
  for (const [, list] of text.matchAll(/\bon_both!\s*[[({]([^\])}]*)/g)) yield* list.match(/\w+/g) ?? [];
}

function* scriptTests(text) {
  for (const [, , title] of text.matchAll(/\b(?:test|it|describe|suite)(?:\.\w+)?\(\s*(['"`])(.*?)\1/gs)) yield title;
}

function* pythonTests(text) {
  for (const [, name] of text.matchAll(/^ *(?:async )?def (test_\w+)\(/gm)) yield name;
}

/** `KCS-WS-44` is carried by `kcs_ws_44_late_joiner` and by `KCS-WS-44: a late joiner`. */
function carries(name, id) {
  const plain = id.toLowerCase().replaceAll('-', '[-_]');
  return new RegExp(`(^|[^a-z0-9])${plain}(?![a-z0-9]|[-_][0-9])`).test(name.toLowerCase());
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

const entries = contractIds();
const marks = marked();
const names = testNames();
const known = new Set(entries.map((entry) => entry.id));
const problems = [...marks.keys()].filter((id) => !known.has(id)).map((id) => `later.yaml names ${id}, which the contract does not have`);

const groups = new Map();
for (const { id, group } of entries) {
  const row = groups.get(group) ?? groups.set(group, { covered: [], later: [], constraint: [], missing: [] }).get(group);
  const carriers = names.filter(({ name }) => carries(name, id)).length;
  const mark = marks.get(id);
  if (carriers && mark?.kind === 'later') problems.push(`${id} is marked as later (${mark.reason}), but a test carries it`);
  if (carriers) row.covered.push(`${id} (${carriers})`);
  else row[mark?.kind ?? 'missing'].push(id);
}

const all = process.argv.includes('--all');
const total = { covered: 0, later: 0, constraint: 0, missing: 0 };
for (const [group, row] of groups) {
  for (const key of Object.keys(total)) total[key] += row[key].length;
  console.log(`${group}: ${row.covered.length} covered, ${row.later.length} later, ${row.constraint.length} constraint, ${row.missing.length} missing`);
  if (all && row.covered.length) console.log(`  covered: ${row.covered.join(' ')}`);
  if (row.missing.length) console.log(`  missing: ${row.missing.join(' ')}`);
}

console.log('\nlater and design constraints, with their reason:');
const reasons = new Map();
for (const [id, { kind, reason }] of marks) {
  const key = `${kind}: ${reason}`;
  reasons.set(key, [...(reasons.get(key) ?? []), id]);
}
for (const [reason, ids] of reasons) console.log(all ? `  ${reason}\n    ${ids.join(' ')}` : `  ${String(ids.length).padStart(3)}  ${reason}`);

for (const problem of problems) console.log(`PROBLEM ${problem}`);
console.log(`\n${entries.length} ids: ${total.covered} covered, ${total.later} later, ${total.constraint} constraint, ${total.missing} missing`);
process.exit(total.missing || problems.length ? 1 : 0);
