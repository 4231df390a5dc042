import { describe, expect, it } from 'vitest';
import { chooseDevice, type DeviceInfo, deviceLabel, deviceTrouble } from './choice';
import { cameraCodec, codecEntry, codecOptionsFor, encodingsFor } from './encodings';
import { layerFor, shownAt } from './layers';
import { visible } from './meter';

const device = (kind: MediaDeviceKind, deviceId: string, label = deviceId): DeviceInfo => ({
  kind,
  deviceId,
  label,
});
const plugged = [
  device('audioinput', 'default', 'Default - Headset'),
  device('audioinput', 'headset'),
  device('videoinput', 'webcam'),
  device('videoinput', 'capture-card'),
];

describe('device choice', () => {
  it('takes the remembered device while it is plugged in', () => {
    expect(chooseDevice(plugged, 'videoinput', 'capture-card')).toBe('capture-card');
  });

  it('falls back to the default, else to the first, when the remembered one is gone', () => {
    expect(chooseDevice(plugged, 'audioinput', 'unplugged')).toBe('default');
    expect(chooseDevice(plugged, 'videoinput', 'unplugged')).toBe('webcam');
  });

  it('does not take a device of another kind with the same id', () => {
    expect(chooseDevice(plugged, 'videoinput', 'headset')).toBe('webcam');
  });

  it('has nothing to choose from nothing', () => {
    expect(chooseDevice(plugged, 'audiooutput', null)).toBeNull();
  });

  it('names devices whose label is hidden, and drops the vendor numbers of others', () => {
    expect(deviceLabel(device('videoinput', 'x', ''), 1)).toBe('Camera 2');
    expect(deviceLabel(device('videoinput', 'x', 'HD Webcam (046d:0825)'), 0)).toBe('HD Webcam');
  });

  it.each([
    ['NotAllowedError', /does not allow the camera/],
    ['NotFoundError', /No camera/],
    ['NotReadableError', /Another program/],
    ['WeirdError', /cannot be used/],
  ])('explains %s in a sentence', (name, sentence) => {
    expect(deviceTrouble(Object.assign(new Error('x'), { name }), 'camera')).toMatch(sentence);
  });
});

describe('encodings', () => {
  it('sends VP8 cameras in three layers, a quarter, a half and whole', () => {
    const layers = encodingsFor('camera', 'vp8');
    expect(layers?.map(({ scaleResolutionDownBy }) => scaleResolutionDownBy)).toEqual([4, 2, 1]);
    expect(layers?.map(({ maxBitrate }) => maxBitrate)).toEqual([150_000, 500_000, 1_500_000]);
  });

  it('sends a screen in one encoding whatever the codec', () => {
    expect(encodingsFor('screen', 'vp8')).toHaveLength(1);
    expect(encodingsFor('microphone', 'vp8')).toBeUndefined();
  });

  it('gives every producer its own objects, because mediasoup-client writes into them', () => {
    expect(encodingsFor('camera', 'vp8')?.[0]).not.toBe(encodingsFor('camera', 'vp8')?.[0]);
  });

  it('lets the microphone fall silent between words, and never the sound of a screen', () => {
    expect(codecOptionsFor('microphone').opusDtx).toBe(true);
    expect(codecOptionsFor('screen-audio').opusDtx).toBe(false);
  });

  it('takes the codec of the address, else the one chosen before, and ignores what it does not know', () => {
    expect(cameraCodec('?codec=VP9', 'av1')).toBe('vp9');
    expect(cameraCodec('?codec=mpeg2', 'av1')).toBe('av1');
    expect(cameraCodec('', 'mpeg2')).toBe('vp8');
    expect(cameraCodec('', null)).toBe('vp8');
  });

  it('sends VP9 and AV1 with layers inside one stream where the browser can, else as one picture', () => {
    expect(encodingsFor('camera', 'vp9', true)).toMatchObject([{ scalabilityMode: 'L3T3_KEY' }]);
    expect(encodingsFor('camera', 'av1', false)?.[0]?.scalabilityMode).toBeUndefined();
    expect(encodingsFor('screen', 'vp9', true)?.[0]?.scalabilityMode).toBeUndefined();
  });

  it('finds the entry of a codec in the capabilities', () => {
    const vp9 = {
      kind: 'video',
      mimeType: 'video/VP9',
      clockRate: 90_000,
      preferredPayloadType: 103,
    } as const;
    expect(codecEntry({ codecs: [vp9] }, 'vp9')).toBe(vp9);
    expect(codecEntry({ codecs: [vp9] }, 'h264')).toBeUndefined();
  });
});

describe('layerFor', () => {
  it.each([
    [{ width: 224, height: 126 }, 1, 0],
    [{ width: 420, height: 236 }, 1, 1],
    [{ width: 420, height: 236 }, 2, 2],
    [{ width: 1280, height: 720 }, 1, 2],
  ])('asks for the layer a tile of %o at %f device pixels needs', (size, ratio, layer) => {
    expect(layerFor(size, ratio)).toBe(layer);
  });

  it('looks at the width where a tile is wider than the picture', () => {
    expect(layerFor({ width: 900, height: 150 }, 1)).toBe(2);
  });
});

it('a tile is told in device pixels, as many as anybody sees', () => {
  expect(shownAt({ width: 320.4, height: 180 }, 1.5)).toEqual({ width: 481, height: 270 });
  expect(shownAt({ width: 320, height: 0 }, 4)).toEqual({ width: 640, height: 1 });
});

it('the meter is still at silence, full at a loud voice, and rises in between', () => {
  expect(visible(0)).toBe(0);
  expect(visible(0.001)).toBe(0);
  expect(visible(0.5)).toBe(1);
  expect(visible(0.02)).toBeGreaterThan(0.3);
  expect(visible(0.05)).toBeGreaterThan(visible(0.02));
});
