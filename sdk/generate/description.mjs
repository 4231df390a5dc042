// The description of the API as a running server gives it, and the part of it that the SDKs speak.
import { Plenum } from '../../web/tests/browser/harness/plenum.mjs';

/** Where the SDKs' routes are. */
const PREFIX = '/api/v1/meetings/{';

/** Where their events are. */
const SOCKET = '/ws/meetings/{';

/** `{api, events}` of an address (`http://...`), or of a server started for it. */
export async function description(source) {
  if (source) return fetched(source);
  const plenum = await Plenum.start();
  try {
    return await fetched(plenum.url);
  } finally {
    await plenum.stop();
  }
}

async function fetched(url) {
  const [api, events] = await Promise.all(
    ['openapi', 'asyncapi'].map(async (name) => {
      const answer = await fetch(`${url}/api/${name}.json`);
      if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
      return answer.json();
    }),
  );
  return { api, events };
}

/** Every operation as `{method, path, item}`, in the order of the description. */
export function operations(api) {
  const methods = ['get', 'post', 'put', 'patch', 'delete'];
  return Object.entries(api.paths).flatMap(([path, items]) =>
    methods.filter((method) => items[method]).map((method) => ({ method, path, item: items[method] })),
  );
}

/** The operations of the SDKs. */
export const spoken = (api) => operations(api).filter(({ path }) => path.startsWith(PREFIX));

/** What a reference leads to; anything else as it is. */
export function resolved(api, schema) {
  if (!schema?.$ref) return schema;
  const found = schema.$ref
    .slice(2)
    .split('/')
    .reduce((place, key) => place?.[key], api);
  if (!found) throw new Error(`${schema.$ref} leads nowhere`);
  return resolved(api, found);
}

/** What the SDKs hear, as `{name, doc, data}`: `data` is the schema of what stands below `data` in a message. */
export function heard(events) {
  const paths = (channel) => channel.servers.map((one) => resolved(events, one).pathname + channel.address);
  const [name, channel] =
    Object.entries(events.channels).find(([, one]) => paths(one).some((path) => path.startsWith(SOCKET))) ??
    missing('a channel for the events');
  return Object.values(events.operations)
    .filter((one) => one.action === 'send' && one.channel.$ref === `#/channels/${name}`)
    .map((one) => resolved(events, resolved(events, one.messages[0])))
    .map((message) => ({
      name: message.name,
      doc: message.summary,
      data:
        resolved(events, message.payload).properties?.data ??
        missing(`data in ${message.name} of ${channel.address}`),
    }));
}

/** Whether a message is for listeners: the others are between the SDK and the server. */
export const tells = (name) => !['ping', 'pong', 'error'].includes(name);

const missing = (what) => {
  throw new Error(`the description lacks ${what}`);
};
