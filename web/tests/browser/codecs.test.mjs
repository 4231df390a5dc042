// Every video codec Chromium can send, and the layers of simulcast: what is asked for arrives at its size.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openHall } from './harness/hall.mjs';
import { liveMeeting } from './harness/rest.mjs';
import { until } from './harness/until.mjs';

/** Three layers of a 1280x720 camera; Chromium sends all three only from 960x540 upward. */
const camera = { width: 1280, height: 720, frameRate: 10 };
const threeLayers = [
  { rid: 'r0', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'r1', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'r2', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const widthOfLayer = [320, 640, 1280];

describe('codecs and layers', () => {
  const hall = openHall();

  /** The host sends video as `publishing` says, the member only receives. */
  const senderAndReceiver = async (publishing) => {
    const { meeting, people } = await liveMeeting(hall.plenum);
    const sender = await hall.person();
    const receiver = await hall.person();
    await receiver.join(hall.plenum, people.member, meeting.id);
    await sender.join(hall.plenum, people.host, meeting.id);
    await sender.publish({ audio: false, ...publishing });
    return { sender, receiver, from: sender.participantId };
  };

  for (const codec of ['VP8', 'VP9', 'H264', 'AV1']) {
    test(`${codec} goes from one browser to the other (MEDIA-01)`, async () => {
      const { receiver, from } = await senderAndReceiver({ codec: codec.toLowerCase() });
      const video = await receiver.sees(from, { frames: 20 });
      assert.equal(video.mimeType.toLowerCase(), `video/${codec.toLowerCase()}`);
      assert.equal(video.packetsLost, 0);
    });
  }

  test('of three simulcast layers the one asked for arrives at its resolution, up and down (ADD-EV-14, ADD-EV-15, KCS-WS-46)', async () => {
    const { receiver, from } = await senderAndReceiver({
      video: camera,
      codec: 'vp8',
      encodings: threeLayers,
    });
    const { consumerId } = await receiver.sees(from);
    assert.equal((await receiver.call('findEvent', 'consumed', { consumerId })).type, 'simulcast');

    for (const layer of [0, 2, 1, 0, 2]) {
      const answer = await receiver.call(
        'request',
        'set-consumer-layers',
        { consumerId, spatialLayer: layer },
        'consumer-layers-set',
      );
      assert.deepEqual([answer.consumerId, answer.spatialLayer], [consumerId, layer]);
      const video = await until(`layer ${layer} arrives ${widthOfLayer[layer]} wide`, 30_000, async () => {
        const [one] = await receiver.receiving({ kind: 'video', from });
        return one?.frameWidth === widthOfLayer[layer] && one;
      });
      assert.equal(video.frameHeight, (widthOfLayer[layer] * 9) / 16);
      await receiver.event('consumer-layers-changed', { consumerId, spatialLayer: layer });
      // The picture goes on after the switch, and no number was skipped that the browser would count as lost.
      const after = await receiver.sees(from, { frames: 10 });
      assert.equal(after.packetsLost, 0);
    }
  });

  // The layers that build on each other in every picture, and those that meet in keyframes only.
  for (const [codec, scalabilityMode] of [
    ['vp9', 'L3T3_KEY'],
    ['vp9', 'L3T3'],
    ['av1', 'L3T3_KEY'],
    ['av1', 'L3T3'],
  ]) {
    test(`of the layers inside one ${codec} stream in ${scalabilityMode} the one asked for arrives and is decoded (ADD-EV-14)`, async () => {
      const { receiver, from } = await senderAndReceiver({
        video: camera,
        codec,
        encodings: [{ scalabilityMode, maxBitrate: 2_000_000 }],
      });
      const { consumerId } = await receiver.sees(from);
      assert.equal((await receiver.call('findEvent', 'consumed', { consumerId })).type, 'svc');
      for (const layer of [2, 0, 1, 2, 0]) {
        await receiver.call(
          'request',
          'set-consumer-layers',
          { consumerId, spatialLayer: layer },
          'consumer-layers-set',
        );
        await until(`layer ${layer} arrives ${widthOfLayer[layer]} wide`, 30_000, async () => {
          const [one] = await receiver.receiving({ kind: 'video', from });
          return one?.frameWidth === widthOfLayer[layer];
        });
        // It goes on, and what was left out on purpose is not taken for lost.
        const after = await receiver.sees(from, { frames: 15 });
        assert.equal(after.packetsLost, 0);
      }
    });
  }

  test('two who watch the same camera each get the layer they asked for (ADD-EV-14)', async () => {
    const { meeting, people } = await liveMeeting(hall.plenum, ['host', 'member', 'second']);
    const [sender, large, small] = await Promise.all(
      [people.host, people.member, people.second].map(async (login) => {
        const person = await hall.person();
        await person.join(hall.plenum, login, meeting.id);
        return person;
      }),
    );
    await sender.publish({ audio: false, video: camera, codec: 'vp8', encodings: threeLayers });
    for (const [person, spatialLayer] of [
      [large, 2],
      [small, 0],
    ]) {
      const { consumerId } = await person.sees(sender.participantId);
      await person.call(
        'request',
        'set-consumer-layers',
        { consumerId, spatialLayer },
        'consumer-layers-set',
      );
    }
    await until('both sizes at once', 30_000, async () => {
      const [one, other] = [
        await large.receiving({ kind: 'video' }),
        await small.receiving({ kind: 'video' }),
      ];
      return one[0]?.frameWidth === 1280 && other[0]?.frameWidth === 320;
    });
  });
});
