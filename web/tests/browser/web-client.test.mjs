// The product as people use it: the built web client in Chromium, by what is written on its buttons.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { until } from './harness/until.mjs';

describe('the web client', () => {
  const hall = openHall();

  /** Host and member in a meeting the host made through the form. */
  const twoInside = async () => {
    const [ada, ben] = await Promise.all([hall.visitor('host'), hall.visitor('member')]);
    const link = await ada.createMeeting('Harbour planning', ['member@demo.test']);
    await ada.enter();
    await ben.open(link);
    await ben.enter();
    await Promise.all([ada.sees(ben.name), ben.sees(ada.name)]);
    return { ada, ben, link };
  };

  test('two people log in, create, join, see and hear each other (sys_09)', async () => {
    const { ada, ben } = await twoInside();
    await Promise.all([ada.hears(), ben.hears()]);
  });

  test('mute, camera, hand and chat reach the other side, by button and by key (cli_03_cli_04)', async () => {
    const { ada, ben } = await twoInside();
    const tile = ada.tile(ben.name);

    await ben.button('Mute').click();
    await until(
      'the tile says muted',
      10_000,
      async () => (await tile.getAttribute('data-audio')) === 'false',
    );
    await ben.page.keyboard.press('m');
    await until(
      'the tile says unmuted',
      10_000,
      async () => (await tile.getAttribute('data-audio')) === 'true',
    );
    await ada.hears();

    await ben.button('Turn camera off').click();
    await until(
      'the picture is gone',
      10_000,
      async () => (await tile.getAttribute('data-video')) === 'false',
    );
    await ben.button('Turn camera on').click();
    await ada.sees(ben.name);

    await ben.button('Raise hand').click();
    await tile.getByTitle('Hand raised').waitFor();
    await ben.button('Lower hand').click();
    await tile.getByTitle('Hand raised').waitFor({ state: 'detached' });

    await ben.button('Chat').click();
    await ben.page.getByLabel('Message to everybody').fill('Is the pier <b>open</b>?');
    await ben.page.keyboard.press('Enter');
    await ada.page.getByRole('button', { name: /^Chat, 1 unread$/ }).click();
    await ada.page.getByTestId('chat-message').getByText('Is the pier <b>open</b>?').waitFor();
  });

  test('a shared screen appears beside the camera and goes again', async () => {
    const { ada, ben } = await twoInside();
    await ben.button('Share screen').click();
    const screen = ada.page.getByTestId('screen');
    await ada.shows(screen, 2, 20_000, 'the shared screen');
    await ada.sees(ben.name);
    await ben.page.getByRole('toolbar').getByRole('button', { name: 'Stop sharing' }).click();
    await screen.waitFor({ state: 'detached' });
    await ada.sees(ben.name);
  });

  test('leaving, coming back, and ending for everybody', async () => {
    const { ada, ben } = await twoInside();
    const first = await ada.tile(ben.name).getAttribute('data-participant-id');
    await ben.button('Leave').click();
    await ben.page.getByRole('heading', { name: 'You left the meeting' }).waitFor();
    await ada.tile(ben.name).waitFor({ state: 'detached' });

    await ben.button('Rejoin').click();
    await ben.enter();
    await ada.sees(ben.name);
    assert.notEqual(await ada.tile(ben.name).getAttribute('data-participant-id'), first);

    await ada.button('Leave').click();
    await ada.page.getByRole('button', { name: 'End for everybody' }).click();
    for (const one of [ada, ben])
      await one.page.getByRole('heading', { name: 'The meeting has ended' }).waitFor();
  });

  test('a tab closed without a goodbye disappears for the others', async () => {
    const { ada, ben } = await twoInside();
    await ben.page.close({ runBeforeUnload: false });
    await ada.tile(ben.name).waitFor({ state: 'detached' });
  });

  test('after the media node is killed pictures and sound return by themselves, without a reload', async () => {
    const { ada, ben } = await twoInside();
    process.kill(hall.plenum.sfuPid, 'SIGKILL');
    await ada.page.getByTestId('connection-notice').waitFor();
    await ada.page.getByTestId('connection-notice').waitFor({ state: 'detached', timeout: 30_000 });
    await Promise.all([ada.sees(ben.name), ben.sees(ada.name)]);
    await Promise.all([ada.hears(), ben.hears()]);
    assert.deepEqual([await ada.reloaded(), await ben.reloaded()], [false, false]);
  });

  test('while control is dead the pictures go on, and the client comes back by itself', async () => {
    const { ada, ben } = await twoInside();
    await hall.plenum.kill('SIGKILL');
    await ada.page.getByTestId('connection-notice').waitFor();
    await Promise.all([ada.sees(ben.name, 20), ben.sees(ada.name, 20)]);
    await hall.plenum.launch();
    for (const one of [ada, ben]) {
      await one.page.getByTestId('connection-notice').waitFor({ state: 'detached', timeout: 30_000 });
    }
    await Promise.all([ada.sees(ben.name), ben.sees(ada.name)]);
    await Promise.all([ada.hears(), ben.hears()]);
    assert.deepEqual([await ada.reloaded(), await ben.reloaded()], [false, false]);
  });

  test('an uninvited person is told so in words', async () => {
    const ada = await hall.visitor('host');
    const link = await ada.createMeeting('Only us', ['member@demo.test'], { anyoneWithLink: false });
    const stranger = await hall.visitor('student');
    await stranger.open(link);
    await stranger.page.getByText(/not invited/i).waitFor();
  });

  test('wrong credentials are answered readably', async () => {
    const page = (await hall.visitor('second')).page;
    await page.evaluate(() => {
      localStorage.clear();
      sessionStorage.clear();
    });
    await page.goto(`${hall.plenum.url}/login`);
    await page.getByLabel('E-mail').fill('host@demo.test');
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
  });
});
