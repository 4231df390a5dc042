// The description as a Postman collection (schema 2.1): a folder for each tag, a request for each operation with an example
// of what it takes and of what it answers. Ids are made from names, so that the file changes only when the API does.
import { createHash } from 'node:crypto';
import { operations, resolved } from './description.mjs';

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
/** How deep examples are filled in; what holds itself ends there. */
const DEPTH_MAX = 6;

export function postman(api) {
  const all = operations(api);
  return {
    info: {
      _postman_id: id('collection'),
      name: api.info.title,
      description: `${api.info.description}\n\nSet \`baseUrl\`, send "${login(all).item.summary}" with your account (it keeps the token), and set \`meetingId\`.`,
      schema: SCHEMA,
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{token}}', type: 'string' }] },
    variable: variables(all),
    item: api.tags
      .map(({ name, description }) => ({
        name,
        description,
        item: all.filter(({ item }) => item.tags[0] === name).map((operation) => request(api, operation)),
      }))
      .filter((folder) => folder.item.length > 0),
  };
}

const login = (all) => all.find(({ path }) => path === '/api/auth/login');

function variables(all) {
  const names = new Set(all.flatMap(({ path }) => parameters(path).map((name) => variableOf(path, name))));
  const set = { baseUrl: 'http://localhost:4501', token: '' };
  return [
    ...Object.entries(set).map(([key, value]) => ({ key, value, type: 'string' })),
    ...[...names].sort().map((key) => ({ key, value: '', type: 'string' })),
  ];
}

const parameters = (path) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);

/** One variable for what is one thing in many routes: every meeting's id is `{{meetingId}}`. */
function variableOf(path, name) {
  const meeting = /^\/api\/(meeting|v1\/meetings)\/\{(\w+)\}/.exec(path)?.[2] === name;
  if (meeting) return 'meetingId';
  if (name !== 'id') return camel(name);
  const owner = /([\w-]+)\/\{id\}/.exec(path)[1];
  return `${camel(owner.replace(/s$/, '').replaceAll('-', '_'))}Id`;
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

function request(api, { method, path, item }) {
  const body = bodyOf(api, item);
  const made = {
    id: id(item.operationId),
    name: item.summary,
    request: {
      method: method.toUpperCase(),
      description: descriptionOf(api, item),
      header: [
        { key: 'Accept', value: 'application/json' },
        ...(body?.mode === 'raw' ? [{ key: 'Content-Type', value: 'application/json' }] : []),
      ],
      url: urlOf(api, path, item),
      ...(body ? { body } : {}),
      ...((item.security ?? []).some((one) => Object.keys(one).length > 0)
        ? {}
        : { auth: { type: 'noauth' } }),
    },
  };
  made.response = answers(api, item, made.request);
  if (path === '/api/auth/login') made.event = [keepToken];
  return made;
}

/** What is logged in with is what everything else is asked with. */
const keepToken = {
  listen: 'test',
  script: {
    type: 'text/javascript',
    exec: [
      "if (pm.response.code === 200) pm.collectionVariables.set('token', pm.response.json().data.token);",
    ],
  },
};

function urlOf(api, path, item) {
  const told = (item.parameters ?? []).map((one) => resolved(api, one));
  const query = told
    .filter((one) => one.in === 'query')
    .map((one) => ({
      key: one.name,
      value: String(one.example ?? example(api, one.schema ?? {}) ?? ''),
      ...(one.description ? { description: one.description } : {}),
      disabled: !one.required,
    }));
  const places = path
    .slice(1)
    .split('/')
    .map((part) => part.replace(/^\{(\w+)\}$/, ':$1'));
  const asked = query.filter((one) => !one.disabled).map((one) => `${one.key}=${one.value}`);
  return {
    raw: `{{baseUrl}}/${places.join('/')}${asked.length > 0 ? `?${asked.join('&')}` : ''}`,
    host: ['{{baseUrl}}'],
    path: places,
    ...(query.length > 0 ? { query } : {}),
    ...(parameters(path).length > 0
      ? {
          variable: parameters(path).map((name) => ({
            key: name,
            value: `{{${variableOf(path, name)}}}`,
            description: told.find((one) => one.in === 'path' && one.name === name)?.description ?? '',
          })),
        }
      : {}),
  };
}

function bodyOf(api, item) {
  const content = item.requestBody?.content ?? {};
  const json = content['application/json'];
  if (json) {
    const value = json.example ?? Object.values(json.examples ?? {})[0]?.value ?? example(api, json.schema);
    return { mode: 'raw', raw: JSON.stringify(value, null, 2), options: { raw: { language: 'json' } } };
  }
  const form = content['multipart/form-data'];
  if (!form) return undefined;
  const fields = resolved(api, form.schema).properties ?? {};
  return {
    mode: 'formdata',
    formdata: Object.entries(fields).map(([key, field]) =>
      isFile(resolved(api, field))
        ? { key, type: 'file', src: [] }
        : { key, type: 'text', value: String(example(api, field) ?? '') },
    ),
  };
}

const isFile = (schema) => schema.format === 'binary' || schema.contentMediaType !== undefined;

/** A saved answer for each success; what is refused stands in the text of the request. */
function answers(api, item, { method, url }) {
  return Object.entries(item.responses).flatMap(([status, told]) => {
    const answer = resolved(api, told);
    const json = answer.content?.['application/json'];
    if (!status.startsWith('2') || !json) return [];
    const value = json.example ?? Object.values(json.examples ?? {})[0]?.value ?? example(api, json.schema);
    return [
      {
        id: id(`${item.operationId} ${status}`),
        name: answer.description || status,
        originalRequest: { method, url: url.raw },
        code: Number(status),
        status: { 200: 'OK', 201: 'Created', 202: 'Accepted' }[status] ?? status,
        _postman_previewlanguage: 'json',
        header: [{ key: 'Content-Type', value: 'application/json' }],
        body: JSON.stringify(value, null, 2),
      },
    ];
  });
}

/** What it says beyond its name, and each refusal on a line. */
function descriptionOf(api, item) {
  const refused = Object.entries(item.responses)
    .filter(([status]) => Number(status) >= 400)
    .map(([status, told]) => `- ${status}: ${resolved(api, told).description}`);
  return [
    item.description,
    `Operation \`${item.operationId}\`.`,
    refused.length > 0 ? `Refusals:\n${refused.join('\n')}` : '',
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** A value that fits a schema, from the examples in it. */
export function example(api, schema, depth = 0) {
  const found = schema.example ?? schema.examples?.[0] ?? schema.default ?? schema.const ?? schema.enum?.[0];
  if (found !== undefined) return found;
  if (depth > DEPTH_MAX) return null;
  if (schema.$ref) return example(api, resolved(api, schema), depth);
  const one = (schema.oneOf ?? schema.anyOf)?.find((each) => each.type !== 'null');
  if (one) return example(api, one, depth + 1);
  if (schema.allOf) return Object.assign({}, ...schema.allOf.map((part) => example(api, part, depth + 1)));
  const type = Array.isArray(schema.type) ? schema.type.find((each) => each !== 'null') : schema.type;
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, field]) => [
          name,
          example(api, field, depth + 1),
        ]),
      );
    case 'array':
      return schema.items ? [example(api, schema.items, depth + 1)] : [];
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
      return schema.minimum ?? 0;
    case 'boolean':
      return false;
    default:
      return null;
  }
}

/** A UUID that is always the same for the same name. */
function id(name) {
  const hex = createHash('sha256').update(`plenum ${name}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
