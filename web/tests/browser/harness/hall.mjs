// Where the clients of a suite meet: one Plenum, one browser and somebody else's page, from its first test until after its last.
import { after, afterEach, before } from 'node:test';
import { launch } from './browser.mjs';
import { Person, serveForeignPage } from './foreign.mjs';
import { Plenum } from './plenum.mjs';
import { Visitor } from './visitor.mjs';

/** To be called where a suite begins: `plenum`, `browser` and `foreign` are there once its tests run. */
export function openHall() {
  const hall = {
    plenum: null,
    browser: null,
    foreign: null,
    /** Whoever came, to be closed after each test. */
    inside: [],

    /** Somebody with a foreign client's page. */
    async person() {
      const person = await Person.open(hall.browser, hall.foreign.origin);
      hall.inside.push(person);
      return person;
    },

    /** Somebody signed in to our own web client. */
    async visitor(name) {
      const visitor = await Visitor.signIn(hall.browser, hall.plenum, name);
      hall.inside.push(visitor);
      return visitor;
    },
  };
  before(async () => {
    hall.foreign = await serveForeignPage();
    hall.plenum = await Plenum.start({ env: { FRONTEND_URL: hall.foreign.origin } });
    hall.browser = await launch();
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
