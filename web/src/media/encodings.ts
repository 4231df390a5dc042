// How each source is encoded: codec, simulcast layers, bitrates (bits per second).
import type { types } from 'mediasoup-client';
import type { Source } from '../signaling/events';

export type VideoCodec = 'vp8' | 'vp9' | 'h264' | 'av1';

function codecNamed(word: string | null | undefined): VideoCodec | null {
  const name = word?.toLowerCase();
  return name === 'vp8' || name === 'vp9' || name === 'h264' || name === 'av1' ? name : null;
}

/** The codec of the camera: `?codec=` in the address, else what was chosen on this device, else VP8. */
export function cameraCodec(search: string, remembered: string | null): VideoCodec {
  return codecNamed(new URLSearchParams(search).get('codec')) ?? codecNamed(remembered) ?? 'vp8';
}

const MEMORY = 'plenum.codec';

export function rememberedCodec(): VideoCodec | null {
  return codecNamed(localStorage.getItem(MEMORY));
}

export function rememberCodec(codec: VideoCodec): void {
  localStorage.setItem(MEMORY, codec);
}

const CAMERA_LAYERS: types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
/** Layers inside one stream; of pictures that meet in keyframes only, each viewer gets one. */
const LAYERS_INSIDE = 'L3T3_KEY';
const CAMERA_SVC: types.RtpEncodingParameters[] = [{ scalabilityMode: LAYERS_INSIDE, maxBitrate: 1_800_000 }];
const CAMERA_SINGLE: types.RtpEncodingParameters[] = [{ maxBitrate: 1_200_000 }];
/** Text has to stay sharp; it moves little, so the rate is mostly unused. */
const SCREEN: types.RtpEncodingParameters[] = [{ maxBitrate: 2_500_000, maxFramerate: 30 }];

/** Whether this browser sends the layers of a codec inside one stream. */
export async function sendsLayersInside(codec: VideoCodec): Promise<boolean> {
  if (codec !== 'vp9' && codec !== 'av1') return false;
  const video = {
    contentType: `video/${codec.toUpperCase()}`,
    width: 1280,
    height: 720,
    framerate: 30,
    bitrate: 1_800_000,
    scalabilityMode: LAYERS_INSIDE,
  };
  const asked = navigator.mediaCapabilities?.encodingInfo({ type: 'webrtc', video });
  return (await asked?.catch(() => null))?.supported ?? false;
}

/** `layersInside`: what `sendsLayersInside` said of the codec. */
export function encodingsFor(
  source: Source,
  codec: VideoCodec,
  layersInside = false,
): types.RtpEncodingParameters[] | undefined {
  if (source === 'camera') {
    const layers = codec === 'vp8' ? CAMERA_LAYERS : layersInside ? CAMERA_SVC : CAMERA_SINGLE;
    return layers.map((encoding) => ({ ...encoding }));
  }
  return source === 'screen' ? SCREEN.map((encoding) => ({ ...encoding })) : undefined;
}

export function codecOptionsFor(source: Source): types.ProducerCodecOptions {
  switch (source) {
    case 'microphone':
      return { opusDtx: true, opusFec: true, opusStereo: false };
    case 'screen-audio':
      return { opusDtx: false, opusFec: true, opusStereo: true };
    case 'camera':
    case 'screen':
      return { videoGoogleStartBitrate: 800 };
  }
}

/** The router's entry for a codec, if both it and this browser can send it. */
export function codecEntry(
  capabilities: types.RtpCapabilities,
  codec: VideoCodec,
): types.RtpCodecCapability | undefined {
  return capabilities.codecs?.find((entry) => entry.mimeType.toLowerCase() === `video/${codec}`);
}
