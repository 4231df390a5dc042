// Shapes as TypeScript, spelled as on the wire; `words.ts` of the SDK respells them.
import { tells } from './description.mjs';

export function typescript(shapes, codes) {
  const types = [...shapes.types].sort(byName).map(([name, type]) => declared(name, type));
  const operations = shapes.operations.map(({ name, method, path, doc, body, query, data }) =>
    [
      comment(`${method} ${path}${doc ? `: ${doc}` : ''}`, '  '),
      `  ${name}: {`,
      `    body: ${body ? text(body) : 'undefined'};`,
      query.length === 0 ? '    query: undefined;' : `    query: {\n${fields(query, '      ')}\n    };`,
      `    data: ${text(data)};`,
      '  };',
    ].join('\n'),
  );
  return [
    '// Made from /api/openapi.json by `make sdk`; a test compares it with what the server says.',
    '',
    ...types.flatMap((type) => [type, '']),
    comment('What each operation takes and answers, by its name in the description.'),
    'export interface Operations {',
    ...operations,
    '}',
    '',
    comment('What the messages of the event stream carry as `data`, by their type.'),
    'export interface EventData {',
    ...shapes.events.flatMap(({ name, doc, shape }) => [comment(doc, '  '), `  ${name}: ${text(shape)};`]),
    '}',
    '',
    comment('The messages that tell what happens: pings are answered, errors are told as such.'),
    `export const serverEvents = [${shapes.events
      .filter(({ name }) => tells(name))
      .map(({ name }) => `'${name}'`)
      .join(', ')}] as const;`,
    '',
    comment('What the server may refuse with, as far as it is described.'),
    `export type ServerCode =\n${codes.map((code) => `  | '${code}'`).join('\n')};`,
    '',
  ].join('\n');
}

const byName = ([a], [b]) => (a < b ? -1 : 1);

function declared(name, { doc, fields: list, shape }) {
  const head = doc ? `${comment(doc)}\n` : '';
  if (shape) return `${head}export type ${name} = ${text(shape)};`;
  return `${head}export interface ${name} {\n${fields(list, '  ')}\n}`;
}

function fields(list, indent) {
  return list
    .flatMap(({ name, doc, required, shape }) => [
      ...(doc ? [comment(doc, indent)] : []),
      `${indent}${name}${required ? '' : '?'}: ${text(shape)}${required ? '' : ' | undefined'};`,
    ])
    .join('\n');
}

const comment = (doc, indent = '') => {
  const lines = doc.replaceAll('*/', '* /').trim().split('\n');
  if (lines.length === 1) return `${indent}/** ${lines[0]} */`;
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`].join('\n');
};

function text(shape) {
  switch (shape.kind) {
    case 'named':
      return shape.name;
    case 'words':
      return shape.words.map((word) => (typeof word === 'string' ? `'${word}'` : String(word))).join(' | ');
    case 'either':
      return shape.of.map(text).join(' | ');
    case 'list':
      return ['either', 'words'].includes(shape.of.kind) ? `(${text(shape.of)})[]` : `${text(shape.of)}[]`;
    case 'map':
      return `Record<string, ${text(shape.of)}>`;
    default:
      return {
        text: 'string',
        whole: 'number',
        number: 'number',
        bool: 'boolean',
        null: 'null',
        any: 'unknown',
      }[shape.kind];
  }
}
