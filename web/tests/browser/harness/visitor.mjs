// Somebody using the real web client, by what is written on the screen.
import { bytesReceived, keepPeerConnections, openPage } from './browser.mjs';
import { password } from './rest.mjs';
import { until } from './until.mjs';

export class Visitor {
  /** Opens the client and signs in as `name`@demo.test. */
  static async signIn(browser, plenum, name) {
    const page = await openPage(browser, 'about:blank', { viewport: { width: 1280, height: 800 } });
    await page.addInitScript(keepPeerConnections);
    await page.goto(plenum.url);
    const visitor = new Visitor(page);
    await page.getByLabel('E-mail').fill(`${name}@demo.test`);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('button', { name: 'New meeting' }).waitFor();
    visitor.name = await page.evaluate(() => JSON.parse(sessionStorage.getItem('plenum.session')).user.name);
    await visitor.mark();
    return visitor;
  }

  constructor(page) {
    this.page = page;
  }

  /** Goes to an address as if it had been pasted. */
  async open(link) {
    await this.page.goto(link);
    await this.mark();
  }

  /** A reload would lose this mark; tests that promise none look at it. */
  mark() {
    return this.page.evaluate(() => {
      window.loadedOnce = true;
    });
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** Creates a meeting through the form; answers its address. */
  async createMeeting(title, emails, { anyoneWithLink = true } = {}) {
    const dialog = this.page.getByRole('dialog');
    await this.button('New meeting').first().click();
    await dialog.getByLabel('Name', { exact: true }).fill(title);
    for (const email of emails) {
      await dialog.getByLabel('Invite people').fill(email);
      await dialog.getByLabel('Invite people').press('Enter');
    }
    await dialog.getByLabel('Anyone in my organisation with the link can join').setChecked(anyoneWithLink);
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    const link = await this.page.getByTestId('meeting-link').textContent();
    await dialog.getByRole('button', { name: 'Join now' }).click();
    return link.trim();
  }

  /** From the lobby into the meeting. */
  async enter() {
    await this.page.getByRole('button', { name: /^(Join|Start) meeting$/ }).click();
    await this.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
  }

  /** The tile of somebody else, by name. */
  tile(name) {
    return this.page.locator('[data-testid="tile"]:not([data-self])', { hasText: name });
  }

  /** Resolves when the tile shows moving pictures. */
  async sees(name, frames = 5, deadlineMs = 20_000) {
    await this.shows(this.tile(name), frames, deadlineMs, `pictures of ${name}`);
  }

  async shows(place, frames, deadlineMs, what) {
    let first;
    await until(what, deadlineMs, async () => {
      const count = await place
        .locator('video')
        .first()
        .evaluate((video) => video.getVideoPlaybackQuality().totalVideoFrames, undefined, { timeout: 1000 })
        .catch(() => undefined);
      if (count === undefined) return false;
      if (first === undefined || count < first) first = count;
      return count - first >= frames;
    }).catch((error) => {
      throw new Error(`${error.message}\nconsole: ${this.page.said.slice(-15).join('\n')}`);
    });
  }

  /** The sound energy received so far, over all connections that are open. */
  soundEnergy() {
    return this.page.evaluate(async () => {
      let energy = 0;
      for (const connection of window.peerConnections.filter((one) => one.connectionState === 'connected')) {
        for (const stat of (await connection.getStats()).values()) {
          if (stat.type === 'inbound-rtp' && stat.kind === 'audio') energy += stat.totalAudioEnergy ?? 0;
        }
      }
      return energy;
    });
  }

  bytesReceived() {
    return bytesReceived(this.page);
  }

  async hears(deadlineMs = 20_000) {
    let first;
    await until('sound', deadlineMs, async () => {
      const energy = await this.soundEnergy();
      if (first === undefined || energy < first) first = energy;
      return energy - first > 1e-9;
    });
  }

  async reloaded() {
    return !(await this.page.evaluate(() => window.loadedOnce));
  }

  close() {
    return this.page.context().close();
  }
}
