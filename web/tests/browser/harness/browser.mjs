// Chromium with a fake camera and microphone, and the pages tests open in it.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const candidates = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** A headless Chromium that grants camera, microphone and screen without asking; `args` adds to its command line. */
export function launch({
  args = [],
  executablePath = process.env.CHROMIUM ?? candidates.find(existsSync),
} = {}) {
  if (!executablePath) throw new Error('no Chromium found: run .ci/setup test, or set CHROMIUM');
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', // tests run as root on build machines
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      '--auto-accept-this-tab-capture',
      '--autoplay-policy=no-user-gesture-required',
      '--disable-features=WebRtcHideLocalIpsWithMdns', // no mDNS responder on build machines
      '--allow-loopback-in-peer-connection',
      ...args,
    ],
  });
}

/** A page in a context of its own (own storage, own login). What it says on the console is kept in `page.said`. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'], ...options });
  const page = await context.newPage();
  page.said = [];
  page.on('console', (message) => page.said.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => page.said.push(`pageerror: ${error.message}`));
  await page.goto(url);
  return page;
}

/** For an init script: keeps every peer connection of the page where a test can read its numbers; nothing about them changes. */
export function keepPeerConnections() {
  const Original = window.RTCPeerConnection;
  window.peerConnections = [];
  window.RTCPeerConnection = class extends Original {
    constructor(...args) {
      super(...args);
      window.peerConnections.push(this);
    }
  };
}

/** What has arrived over every connection of such a page, whether or not anybody listens to it: bytes on the wire. */
export function bytesReceived(page) {
  return page.evaluate(async () => {
    let bytes = 0;
    for (const connection of window.peerConnections) {
      for (const stat of (await connection.getStats()).values()) {
        if (stat.type === 'transport') bytes += stat.bytesReceived ?? 0;
      }
    }
    return bytes;
  });
}
