// What the complete dialect brings, as people use it: the built web client in Chromium, by what is written on its buttons.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { createMeeting, login } from './harness/rest.mjs';
import { until } from './harness/until.mjs';
import { Wire } from './harness/wire.mjs';

/** One white pixel. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII=',
  'base64',
);

describe('the web client and the complete dialect', () => {
  const hall = openHall();

  /** Host and member inside a meeting of the host; `extra` are fields of the meeting. */
  const twoInside = async (extra = {}) => {
    const host = await login(hall.plenum, 'host@demo.test');
    const meeting = await createMeeting(hall.plenum, host, ['member@demo.test'], extra);
    const [ada, ben] = await Promise.all([hall.visitor('host'), hall.visitor('member')]);
    const link = `${hall.plenum.url}/m/${meeting.id}`;
    await ada.open(link);
    await ada.enter();
    await ben.open(link);
    await ben.enter();
    await ada.tile(ben.name).waitFor();
    return { ada, ben, host, meeting, link };
  };

  const rowOf = (visitor, name) => visitor.page.getByTestId('participant').filter({ hasText: name });

  test('add_11_add_12_add_ev_30 files are sent, seen and fetched in the chat', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Chat').click();
    const chooser = ben.page.getByTestId('file-chooser');
    await chooser.setInputFiles([
      { name: 'pier.png', mimeType: 'image/png', buffer: PICTURE },
      { name: 'tides.txt', mimeType: 'text/plain', buffer: Buffer.from('high at noon') },
    ]);
    await until(
      'both files are ready',
      15_000,
      async () => (await ben.page.getByText('Ready to send').count()) === 2,
    );
    await ben.page.getByLabel('Message to everybody').fill('The pier and the tides');
    await ben.page.keyboard.press('Enter');

    await ada.page.getByRole('button', { name: /^Chat, 1 unread$/ }).click();
    const line = ada.page.getByTestId('chat-message').filter({ hasText: 'The pier and the tides' });
    await until('the picture is shown', 15_000, () =>
      line.getByRole('img', { name: 'pier.png' }).evaluate((image) => image.naturalWidth === 1),
    );
    const [download] = await Promise.all([
      ada.page.waitForEvent('download'),
      line.getByRole('button', { name: /^Download tides\.txt/ }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'tides.txt');
    assert.equal(readFileSync(await download.path(), 'utf8'), 'high at noon');
  });

  test('add_06_add_07_add_08 lines are reacted to, edited and deleted, and the other side sees it', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Chat').click();
    await ben.page.getByLabel('Message to everybody').fill('The pier is opn');
    await ben.page.keyboard.press('Enter');
    await ada.page.getByRole('button', { name: /^Chat, 1 unread$/ }).click();
    const seen = ada.page.getByTestId('chat-message').first();
    const own = ben.page.getByTestId('chat-message').first();

    await seen.hover();
    await seen.getByRole('button', { name: 'React to this message' }).click();
    await seen.getByRole('button', { name: 'Thumbs up' }).click();
    await own.getByRole('button', { name: 'Thumbs up, 1' }).waitFor();

    await own.hover();
    await own.getByRole('button', { name: 'Edit this message' }).click();
    await own.getByLabel('Edit message').fill('The pier is open');
    await own.getByRole('button', { name: 'Save' }).click();
    await seen.getByText('The pier is open').waitFor();
    await seen.getByText('edited').waitFor();

    await own.hover();
    await own.getByRole('button', { name: 'Delete this message' }).click();
    await seen.getByText('This message was deleted.').waitFor();
  });

  test('kcs_ws_08_kcs_ws_19 who is writing is shown, and a private line reaches one person alone', async () => {
    const { ada, ben } = await twoInside();
    await ada.button('Chat').click();
    await ben.button('Chat').click();
    await ben.page.getByLabel('To', { exact: true }).selectOption({ label: ada.name });
    await ben.page.getByLabel(`Message to ${ada.name}`).pressSequentially('psst');
    await ada.page.getByText(`${ben.name} is writing…`).waitFor();
    await ben.page.keyboard.press('Enter');
    const line = ada.page.getByTestId('chat-message').filter({ hasText: 'psst' });
    await line.getByText('only to you').waitFor();
    await ada.page.getByText(`${ben.name} is writing…`).waitFor({ state: 'detached' });
  });

  test('kcs_ws_10_kcs_ws_20 a reaction floats over the tile of whoever gave it, on both sides', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('React').click();
    await ben.page.getByRole('button', { name: 'Applause' }).click();
    await ada.tile(ben.name).getByTestId('reactions').getByRole('img', { name: 'Applause' }).waitFor();
    await ada.tile(ben.name).getByTestId('reactions').waitFor({ state: 'detached', timeout: 10_000 });
  });

  test('kcs_ws_09_add_ev_20 hands stand in order, and the host lowers one or all', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Raise hand').click();
    await ada.tile(ben.name).getByTitle('Hand raised').waitFor();
    await ada.button('Raise hand').click();
    await ada.button('Participants').click();
    const hands = ada.page.getByTestId('hand');
    await until('two hands', 10_000, async () => (await hands.count()) === 2);
    assert.match(await hands.first().textContent(), new RegExp(ben.name));
    await ada.page.getByRole('button', { name: `Lower the hand of ${ben.name}` }).click();
    await ben.button('Raise hand').waitFor();
    await ada.button('Lower all').click();
    await hands.first().waitFor({ state: 'detached' });
  });

  test('add_ev_01_add_ev_02_add_ev_03 the waiting room turns into the meeting when the host admits', async () => {
    const host = await login(hall.plenum, 'host@demo.test');
    const extra = { waiting_room_enabled: true, require_host_approval: true };
    const meeting = await createMeeting(hall.plenum, host, ['member@demo.test'], extra);
    const [ada, ben] = await Promise.all([hall.visitor('host'), hall.visitor('member')]);
    await ada.open(`${hall.plenum.url}/m/${meeting.id}`);
    await ada.enter();
    await ben.open(`${hall.plenum.url}/m/${meeting.id}`);
    await ben.page.getByRole('button', { name: /^(Join meeting|Ask to join)$/ }).click();
    await ben.page.getByTestId('waiting-room').waitFor();
    await ada.page.getByRole('button', { name: `Admit ${ben.name}` }).click();
    await ben.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor();
    await ada.tile(ben.name).waitFor();
    await ada.page.getByTestId('waiting').waitFor({ state: 'detached' });
  });

  test('kcs_13_add_ev_09 a right that is taken away stops a shared screen, given back it can be shared again', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Share screen').click();
    const screen = ada.page.getByTestId('screen');
    await ada.shows(screen, 2, 20_000, 'the shared screen');
    await ada.button('Participants').click();
    await ada.page.getByRole('button', { name: `Manage ${ben.name}` }).click();
    const may = ada.page.getByRole('switch', { name: 'May share the screen' });
    await may.click();
    await screen.waitFor({ state: 'detached' });
    await ben.button('Share screen').waitFor({ state: 'detached' });
    assert.equal(await ben.page.getByRole('button', { name: 'Stop sharing' }).count(), 0);
    await until('the switch is off', 10_000, async () => !(await may.isChecked()));
    await may.click();
    await ben.button('Share screen').waitFor();
  });

  test('kcs_12_kcs_13 a host changes a role, and removes somebody who is told so', async () => {
    const { ada, ben } = await twoInside();
    await ada.button('Participants').click();
    await ada.page.getByRole('button', { name: `Manage ${ben.name}` }).click();
    await ada.page.getByLabel('Role').selectOption('co_host');
    await rowOf(ada, ben.name).getByText('Co-host').waitFor();
    await ben.page.getByText('You are a co-host now.').waitFor();
    await ada.page.getByRole('button', { name: 'Remove from the meeting' }).click();
    await ben.page.getByRole('heading', { name: 'You were removed from the meeting' }).waitFor();
    await ada.tile(ben.name).waitFor({ state: 'detached' });
  });

  test('kcs_ws_13_kcs_ws_22 everybody sees that the meeting is recorded, also who comes late', async () => {
    const features = { recording_enabled: true };
    const { ada, ben, link } = await twoInside({ features });
    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Record this meeting' }).click();
    await ada.button('Mark as recorded').click();
    await ben.page.getByTestId('recording').waitFor();
    await ben.button('Leave').click();
    await ben.open(link);
    await ben.enter();
    await ben.page.getByTestId('recording').waitFor();
    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Stop recording' }).click();
    await ben.page.getByTestId('recording').waitFor({ state: 'detached' });
  });

  test('kcs_01_kcs_02_kcs_05_kcs_06 a weekly series is scheduled, listed with its rule, changed and called off', async () => {
    const { page } = await hall.visitor('host');
    await page.getByRole('button', { name: 'New meeting' }).first().click();
    const form = page.getByRole('dialog');
    await form.getByLabel('Name', { exact: true }).fill('Harbour round');
    await form.getByLabel('Later').check({ force: true });
    await form.getByLabel('Repeats').selectOption('weekly');
    await form.getByLabel('Times').fill('4');
    await form.getByText(/^Every week on .*, 4 times$/).waitFor();
    await form.getByRole('button', { name: 'Schedule' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    const card = page.getByRole('listitem').filter({ hasText: 'Harbour round' });
    await card.getByText(/^Every week on /).waitFor();
    await card.getByRole('link', { name: 'Harbour round' }).click();
    await page.getByRole('heading', { name: 'Harbour round' }).waitFor();
    await until('three more', 10_000, async () => (await page.getByTestId('occurrence').count()) === 3);

    await page.getByRole('button', { name: 'Edit' }).click();
    const edit = page.getByRole('dialog');
    await edit.getByLabel('Change').selectOption('series');
    await edit.getByLabel('Name', { exact: true }).fill('Harbour walk');
    await edit.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Harbour walk' }).waitFor();
    await until('still three more', 10_000, async () => (await page.getByTestId('occurrence').count()) === 3);

    await page.getByRole('button', { name: 'Cancel meeting' }).click();
    const ask = page.getByRole('dialog');
    await ask.getByLabel('Which').selectOption('series');
    await ask.getByRole('button', { name: 'Cancel meeting' }).click();
    await page.getByRole('button', { name: 'New meeting' }).first().waitFor();
    await page.getByText('Harbour walk').waitFor({ state: 'detached' });
  });

  test('kcs_14_kcs_11 somebody found in the directory and invited sees the meeting', async () => {
    const host = await login(hall.plenum, 'host@demo.test');
    const meeting = await createMeeting(hall.plenum, host, ['member@demo.test'], {
      meeting_name: 'Tide tables',
    });
    const [ada, eve] = await Promise.all([hall.visitor('host'), hall.visitor('student')]);
    assert.equal(await eve.page.getByText('Tide tables').count(), 0);
    await ada.open(`${hall.plenum.url}/meetings/${meeting.id}`);
    await ada.page.getByRole('button', { name: 'Invite', exact: true }).click();
    const dialog = ada.page.getByRole('dialog');
    await dialog.getByLabel('Find people').fill(eve.name.slice(0, 4));
    await dialog.getByRole('list', { name: 'Found' }).getByRole('button', { name: eve.name }).click();
    await dialog.getByLabel('Message').fill('Bring the tables.');
    await dialog.getByRole('button', { name: 'Invite', exact: true }).click();
    await ada.page.getByTestId('roster-row').filter({ hasText: eve.name }).waitFor();
    await eve.open(hall.plenum.url);
    await eve.page.getByText('Tide tables').waitFor();
  });

  test('kcs_17 after the meeting its numbers and charts are there', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Chat').click();
    await ben.page.getByLabel('Message to everybody').fill('One for the numbers');
    await ben.page.keyboard.press('Enter');
    await ben.page.getByTestId('chat-message').waitFor();
    await ada.button('Leave').click();
    await ada.button('End for everybody').click();
    await ada.button('How it was').click();
    const numbers = ada.page.getByTestId('analytics-numbers');
    await numbers.waitFor();
    assert.match(await numbers.textContent(), /Messages1/);
    assert.match(await numbers.textContent(), /People2/);
    await until('four charts', 10_000, async () => (await ada.page.getByTestId('chart').count()) === 4);
    await ada.page.getByRole('img', { name: /People inside/ }).waitFor();
    await ada.page.getByRole('rowheader', { name: ben.name }).waitFor();
  });

  test('kcs_18 whoever runs the meeting sees its numbers while it is on', async () => {
    const { ada } = await twoInside();
    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Live numbers' }).click();
    const numbers = ada.page.getByTestId('live-numbers');
    await until('two people', 15_000, async () => /People2/.test((await numbers.textContent()) ?? ''));
  });

  test('kcs_20_add_16_add_20 an administrator reads the system, the trail and the mail', async () => {
    const host = await login(hall.plenum, 'host@demo.test');
    await createMeeting(hall.plenum, host, ['member@demo.test'], { meeting_name: 'For the trail' });
    const { page } = await hall.visitor('admin');
    await page.getByRole('link', { name: 'Administration' }).click();
    await page.getByTestId('system-numbers').waitFor();
    await page.getByRole('link', { name: 'Audit trail' }).click();
    await page.getByTestId('audit-entry').filter({ hasText: 'meeting.create' }).first().waitFor();
    await page.getByRole('link', { name: 'Mail' }).click();
    const mail = page.getByTestId('mail').filter({ hasText: 'For the trail' }).first();
    await mail.getByRole('button', { name: 'Read' }).click();
    await page
      .getByRole('dialog')
      .getByText(/For the trail/)
      .first()
      .waitFor();
  });

  test('v1_13_c_72 a host leaves pictures and lines to those who run the meeting, and puts somebody out for good', async () => {
    const { ada, ben, link } = await twoInside();
    await ada.sees(ben.name);
    await ben.button('Chat').click();
    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Security' }).click();
    const dialog = ada.page.getByRole('dialog');
    await dialog.getByLabel('Cameras of hosts only').check();
    await ben.page.getByText('Only hosts may turn their camera on now.').waitFor();
    await ben.button('Turn camera on').waitFor();
    await dialog.getByLabel('Write in the chat').selectOption('host');
    await ben.page.getByText('Only hosts and co-hosts write in this meeting.').waitFor();
    assert.equal(await ben.page.getByLabel('Message to everybody').count(), 0);
    await dialog.getByRole('button', { name: 'Close' }).click();

    await ada.page.getByRole('button', { name: /^Participants/ }).click();
    await rowOf(ada, ben.name).getByTitle('camera off').waitFor();
    await ada.button(`Manage ${ben.name}`).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove and block' }).click();
    await ben.page.getByText('You were removed from the meeting').waitFor();
    await ada.tile(ben.name).waitFor({ state: 'detached' });
    await ben.open(link);
    await ben.page.getByText('You are not allowed to do that.').first().waitFor();

    await ada.button('More').click();
    await ada.page.getByRole('menuitem', { name: 'Security' }).click();
    await ada.page.getByRole('dialog').getByText(ben.name).waitFor();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Unblock' }).click();
    await ada.page.getByText('Nobody. To block somebody').waitFor();
    await ben.open(link);
    await ben.enter();
  });

  test('add_02_add_03_add_04_add_05 people talk in a standing room, and see who has read', async () => {
    const host = await login(hall.plenum, 'host@demo.test');
    await createMeeting(hall.plenum, host, ['member@demo.test'], { meeting_name: 'We know each other' });
    const [ada, ben] = await Promise.all([hall.visitor('host'), hall.visitor('member')]);
    await ada.open(`${hall.plenum.url}/chat`);
    await ada.page.getByRole('button', { name: 'New room' }).first().click();
    const dialog = ada.page.getByRole('dialog');
    await dialog.getByLabel('Name of the room').fill('Pilots');
    await dialog.getByLabel(/^Members/).fill(ben.name.slice(0, 4));
    await dialog.getByRole('list', { name: 'Found' }).getByRole('button', { name: ben.name }).click();
    await dialog.getByRole('button', { name: 'Make the room' }).click();
    await ada.page.getByLabel('Message to Pilots').fill('Wind from the north');
    await ada.page.keyboard.press('Enter');

    await ben.open(`${hall.plenum.url}/chat`);
    const entry = ben.page
      .getByRole('navigation', { name: 'Chat rooms' })
      .getByRole('link', { name: /Pilots/ });
    await entry.getByText('1 unread').waitFor();
    await entry.click();
    await ben.page.getByTestId('chat-message').getByText('Wind from the north').waitFor();
    await ada.page.getByText(`Seen by ${ben.name}`).waitFor();
  });

  test('add_ev_18_add_ev_19 a wire that breaks is nobody leaving: the place is kept, and what was missed comes', async () => {
    const host = await login(hall.plenum, 'host@demo.test');
    const meeting = await createMeeting(hall.plenum, host, ['member@demo.test']);
    const wire = await Wire.to(hall.plenum.port);
    try {
      const ada = await hall.visitor('host');
      const ben = await hall.visitor('member', wire);
      await ada.open(`${hall.plenum.url}/m/${meeting.id}`);
      await ada.enter();
      await ben.open(`${wire.url}/m/${meeting.id}`);
      await ben.enter();
      await ada.sees(ben.name);
      const before = await ada.tile(ben.name).getAttribute('data-participant-id');

      wire.cut();
      await ben.page.getByTestId('connection-notice').waitFor();
      await ada.button('Chat').click();
      await ada.page.getByLabel('Message to everybody').fill('Did you see that?');
      await ada.page.keyboard.press('Enter');
      // Media has its own way: the pictures of the one without a wire go on.
      await ada.sees(ben.name);
      wire.mend();

      await ben.page.getByTestId('connection-notice').waitFor({ state: 'detached', timeout: 20_000 });
      await ben.page.getByRole('button', { name: /^Chat, 1 unread$/ }).waitFor();
      assert.equal(await ada.tile(ben.name).getAttribute('data-participant-id'), before);
      const own = await ben.page.evaluate(() => window.plenum.room().self.participantId);
      assert.equal(own, before);
    } finally {
      await wire.close();
    }
  });
});
