// Shapes as Python: a TypedDict for each object, a Literal for each closed set of words.
import { tells } from './description.mjs';

export function python(shapes, codes) {
  const types = [...shapes.types].sort(([a], [b]) => (a < b ? -1 : 1));
  const operations = shapes.operations.map(({ name, method, path, body, query, data }) => ({
    name,
    line: `# ${method} ${path}`,
    aliases: [
      ...(body ? [[`${upper(name)}Body`, body]] : []),
      ...(query.length ? [[`${upper(name)}Query`, { fields: query }]] : []),
      [`${upper(name)}Data`, data],
    ],
  }));
  const taken = new Set(types.map(([name]) => name));
  const lines = [
    '"""Made from /api/openapi.json by `make sdk`; a test compares it with what the server says."""',
    '',
    'from __future__ import annotations',
    '',
    'from typing import Any, Literal, NotRequired, TypeAlias, TypedDict',
    '',
    ...types.flatMap(([name, type]) => declared(name, type)),
  ];
  for (const { line, aliases } of operations) {
    lines.push('', line);
    for (const [name, shape] of aliases) {
      if (taken.has(name)) continue;
      if (shape.fields) lines.push(...declared(name, shape));
      // Unpack wants the class itself, which stands above.
      else if (shape.kind === 'named') lines.push(`${name}: TypeAlias = ${shape.name}`);
      else lines.push(`${name}: TypeAlias = "${text(shape)}"`);
    }
  }
  lines.push('', '# What the messages of the event stream carry as `data`.');
  for (const { name, shape } of shapes.events)
    lines.push(`${upperCamel(name)}Event: TypeAlias = "${text(shape)}"`);
  lines.push('', '# The messages that tell what happens: pings are answered, errors are told as such.');
  const events = shapes.events.filter(({ name }) => tells(name));
  lines.push('ServerEvent: TypeAlias = Literal[', ...events.map(({ name }) => `    "${name}",`), ']');
  lines.push('', '# What the server may refuse with, as far as it is described.');
  lines.push('ServerCode: TypeAlias = Literal[', ...codes.map((code) => `    "${code}",`), ']', '');
  return lines.join('\n');
}

function declared(name, { doc, fields, shape }) {
  const told = doc ? doc.trim().split('\n') : [];
  if (shape)
    return ['', ...told.map((line) => `# ${line}`.trimEnd()), `${name}: TypeAlias = "${text(shape)}"`];
  const lines = ['', '', `class ${name}(TypedDict):`];
  if (told.length === 1) lines.push(`    """${told[0]}"""`, '');
  if (told.length > 1)
    lines.push(`    """${told[0]}`, ...told.slice(1).map((line) => `    ${line}`.trimEnd()), '    """', '');
  for (const { name: field, doc: meaning, required, shape: of } of fields) {
    for (const line of (meaning ?? '').trim().split('\n').filter(Boolean))
      lines.push(`    # ${line}`.trimEnd());
    lines.push(`    ${field}: ${required ? text(of) : `NotRequired[${text(of)}]`}`);
  }
  if (fields.length === 0) lines.push('    pass');
  return lines;
}

function text(shape) {
  switch (shape.kind) {
    case 'named':
      return shape.name;
    case 'words':
      return `Literal[${shape.words.map((word) => (typeof word === 'string' ? `'${word}'` : word ? 'True' : 'False')).join(', ')}]`;
    case 'either':
      return shape.of.map(text).join(' | ');
    case 'list':
      return `list[${text(shape.of)}]`;
    case 'map':
      return `dict[str, ${text(shape.of)}]`;
    default:
      return { text: 'str', whole: 'int', number: 'float', bool: 'bool', null: 'None', any: 'Any' }[
        shape.kind
      ];
  }
}

const upper = (name) => name[0].toUpperCase() + name.slice(1);
const upperCamel = (name) => name.replace(/(?:^|_)([a-z])/g, (_, letter) => letter.toUpperCase());
