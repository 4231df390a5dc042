// Where the clients of a suite meet: one Plenum, one browser and somebody else's page, from its first test until after its last.
import { after, afterEach, before, beforeEach } from 'node:test';
import { launch } from './browser.mjs';
import { Person, serveForeignPage } from './foreign.mjs';
import { freePort, Plenum } from './plenum.mjs';
import { Visitor } from './visitor.mjs';

/** To be called where a suite begins: what it names is there once its tests run. `env` adds to the environment of Plenum. */
export function openHall({ env = {} } = {}) {
  const hall = {
    plenum: null,
    browser: null,
    foreign: null,
    /** Where the media node shows its metrics and whether it is well. */
    node: null,
    /** Whoever came, to be closed after each test. */
    inside: [],

    /** Somebody with a foreign client's page; a test that runs beside others names itself, so that none closes it but this. */
    async person(test) {
      const person = await Person.open(hall.browser, hall.foreign.origin);
      if (test) test.after(() => person.close());
      else hall.inside.push(person);
      return person;
    },

    /** Somebody signed in to our own web client, which is at `plenum` unless another way leads there. */
    async visitor(name, { url } = hall.plenum) {
      const visitor = await Visitor.signIn(hall.browser, { url }, name);
      hall.inside.push(visitor);
      return visitor;
    },
  };
  const openPlenum = async () => {
    hall.foreign = await serveForeignPage();
    const nodePort = await freePort();
    hall.node = `http://127.0.0.1:${nodePort}`;
    hall.plenum = await Plenum.start({
      env: { FRONTEND_URL: hall.foreign.origin, SFU_HTTP: `127.0.0.1:${nodePort}`, ...env },
    });
  };
  const openBrowser = async () => {
    hall.browser = await launch();
  };
  before(async () => {
    // If one fails the other is waited for all the same, so that it can be closed.
    const opened = await Promise.allSettled([openPlenum(), openBrowser()]);
    for (const { reason } of opened) if (reason) throw reason;
  });
  beforeEach(async () => {
    // A test that kills it and fails half-way is no reason for the next ones to fail.
    if (hall.plenum.exited) await hall.plenum.launch();
  });
  afterEach(async () => {
    await Promise.all(hall.inside.map((one) => one.close()));
    hall.inside = [];
  });
  after(async () => {
    await hall.browser?.close();
    await hall.plenum?.stop();
    hall.foreign?.close();
  });
  return hall;
}
