// Schemas as shapes that every language has: the types of what the SDKs' routes take and answer, each under one name.
import { heard, resolved, spoken } from './description.mjs';

const texts = (schema) =>
  schema.type === 'string' || (schema.enum ?? []).some((word) => typeof word === 'string');

/** What may stand in a schema without changing what fits it, as far as types can say. */
const silent = new Set(
  (
    'description example examples default title deprecated format minimum maximum exclusiveMinimum exclusiveMaximum ' +
    'minLength maxLength minItems maxItems uniqueItems pattern readOnly writeOnly contentMediaType'
  ).split(' '),
);

export class Shapes {
  constructor({ api, events }) {
    // Both documents are made from the same types: one name is one schema.
    const schemas = { ...api.components.schemas, ...events.components.schemas };
    this.api = { ...api, components: { ...api.components, schemas } };
    /** name -> {doc, fields: [{name, doc, required, shape}]} or {doc, shape} */
    this.types = new Map();
    // Answers repeat the schema of their data instead of naming it; by what it says it gets its name back.
    const telling = Object.entries(schemas).filter(
      ([, schema]) => schema.properties || schema.allOf || schema.enum,
    );
    this.names = new Map(telling.map(([name, schema]) => [key(schema), name]));
    this.operations = spoken(api).map((operation) => this.operation(operation));
    this.events = heard(events).map(({ name, doc, data }) => ({
      name,
      doc,
      shape: this.shape(data, `${upper(name)}Event`),
    }));
  }

  operation({ method, path, item }) {
    const name = item.operationId;
    const body = item.requestBody?.content?.['application/json']?.schema;
    const data = Object.entries(item.responses)
      .filter(([status]) => status.startsWith('2'))
      .map(([status, answer]) => this.data(resolved(this.api, answer), `${upper(name)}Data${status}`));
    const query = (item.parameters ?? []).filter((one) => one.in === 'query');
    return {
      name,
      method: method.toUpperCase(),
      path,
      doc: item.summary,
      body: body && given(this.shape(body, `${upper(name)}Body`)),
      query: query.map((one) => ({
        name: one.name,
        required: false,
        shape: this.shape(one.schema, one.name),
        doc: one.description,
      })),
      data: either(data),
    };
  }

  /** The shape of `data` in an answer. */
  data(answer, name) {
    const envelope = resolved(this.api, answer.content?.['application/json']?.schema);
    const data = flat(this.api, envelope ?? {}).properties?.data;
    if (!data) throw new Error(`${name}: an answer without data`);
    return this.shape(data, name);
  }

  shape(schema, name) {
    if (schema.$ref) return this.named(schema.$ref.split('/').at(-1));
    const known = this.names.get(key(schema));
    if (known) return this.named(known);
    return this.inline(schema, name);
  }

  named(name) {
    // A name for null tells less than null.
    if (this.api.components.schemas[name]?.type === 'null') return { kind: 'null' };
    if (!this.types.has(name)) {
      // There before its fields are read: a type may hold itself.
      const type = {};
      this.types.set(name, type);
      Object.assign(type, this.type(this.api.components.schemas[name], name));
    }
    return { kind: 'named', name };
  }

  type(schema, name) {
    const whole = flat(this.api, schema);
    if (whole.properties) return { doc: whole.description, fields: this.fields(whole, name) };
    return { doc: schema.description, shape: this.inline(schema, name) };
  }

  fields(schema, owner) {
    const required = new Set(schema.required);
    return Object.entries(schema.properties).map(([name, field]) => ({
      name,
      doc: field.description,
      required: required.has(name),
      shape: this.shape(field, owner + upper(name)),
    }));
  }

  inline(schema, name) {
    const rest = Object.keys(schema).filter((word) => !silent.has(word) && !word.startsWith('x-'));
    const only = (...words) => rest.every((word) => words.includes(word));
    if (schema.const !== undefined && only('const', 'type')) return { kind: 'words', words: [schema.const] };
    if (schema.enum && only('enum', 'type')) {
      if (!texts(schema) && !schema.enum.every((word) => typeof word === 'boolean'))
        throw unknown(name, schema);
      return { kind: 'words', words: schema.enum };
    }
    for (const word of ['oneOf', 'anyOf']) {
      if (schema[word] && only(word))
        return either(schema[word].map((one, index) => this.shape(one, name + (index || ''))));
    }
    if (Array.isArray(schema.type)) {
      return either(schema.type.map((type) => this.shape({ ...schema, type }, name)));
    }
    const whole = flat(this.api, schema);
    if (whole.properties) {
      this.types.set(name, { doc: whole.description, fields: this.fields(whole, name) });
      return { kind: 'named', name };
    }
    if (schema.type === 'array' && only('type', 'items')) {
      return { kind: 'list', of: this.shape(schema.items, name) };
    }
    if (schema.type === 'object' && only('type', 'additionalProperties', 'propertyNames')) {
      const of = schema.additionalProperties;
      return { kind: 'map', of: typeof of === 'object' ? this.shape(of, name) : { kind: 'any' } };
    }
    const plain = { string: 'text', integer: 'whole', number: 'number', boolean: 'bool', null: 'null' }[
      schema.type
    ];
    // What does not apply to this type was written for another one of a list of types.
    if (plain && only('type', 'items', 'properties')) return { kind: plain };
    if (rest.length === 0) return { kind: 'any' };
    throw unknown(name, schema);
  }
}

/** A body without the choice of sending none. */
const given = (shape) =>
  shape.kind === 'either' ? either(shape.of.filter((one) => one.kind !== 'null')) : shape;

/** The codes that refusals of the SDKs' routes carry, as the examples of the description show them. */
export function codes(api) {
  const found = spoken(api).flatMap(({ item }) =>
    Object.values(item.responses).flatMap((answer) =>
      Object.values(resolved(api, answer).content?.['application/json']?.examples ?? {}).map(
        (one) => one.value?.code,
      ),
    ),
  );
  return [...new Set(found.filter(Boolean))].sort();
}

/** An object schema with the parts of its `allOf` put together. */
function flat(api, schema) {
  if (!schema.allOf) return schema;
  const parts = schema.allOf.map((part) => flat(api, resolved(api, part)));
  return {
    ...schema,
    description: schema.description ?? parts[0]?.description,
    properties: Object.assign({}, ...parts.map((part) => part.properties), schema.properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...(schema.required ?? [])],
  };
}

function either(shapes) {
  const all = shapes.flatMap((shape) => (shape.kind === 'either' ? shape.of : [shape]));
  const different = [...new Map(all.map((shape) => [JSON.stringify(shape), shape])).values()];
  return different.length === 1 ? different[0] : { kind: 'either', of: different };
}

const key = (schema) => JSON.stringify(schema, (_, value) => (plainObject(value) ? sorted(value) : value));
const plainObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
const unknown = (name, schema) =>
  new Error(`${name}: a schema nobody taught this generator: ${JSON.stringify(schema)}`);

/** `device_type` -> `DeviceType` */
export const upper = (name) => name.replace(/(?:^|_)([a-z0-9])/g, (_, letter) => letter.toUpperCase());
