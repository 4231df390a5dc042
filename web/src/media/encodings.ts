// How each source is encoded: codec, simulcast layers, bitrates (bits per second).
import type { types } from 'mediasoup-client';
import type { Source } from '../signaling/events';

/** `?codec=` in the address chooses the camera's codec, to try the others out. VP8 otherwise. */
export type VideoCodec = 'vp8' | 'vp9' | 'h264' | 'av1';

export function codecFromAddress(search: string): VideoCodec {
  const wanted = new URLSearchParams(search).get('codec')?.toLowerCase();
  return wanted === 'vp9' || wanted === 'h264' || wanted === 'av1' ? wanted : 'vp8';
}

const CAMERA_LAYERS: types.RtpEncodingParameters[] = [
  { scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
];
const CAMERA_SINGLE: types.RtpEncodingParameters[] = [{ maxBitrate: 1_200_000 }];
/** Text has to stay sharp; it moves little, so the rate is mostly unused. */
const SCREEN: types.RtpEncodingParameters[] = [{ maxBitrate: 2_500_000, maxFramerate: 30 }];

export function encodingsFor(source: Source, codec: VideoCodec): types.RtpEncodingParameters[] | undefined {
  if (source === 'camera') {
    // Layers by RID are what VP8 does best; the others are sent as one stream until their layers are routed.
    return (codec === 'vp8' ? CAMERA_LAYERS : CAMERA_SINGLE).map((encoding) => ({ ...encoding }));
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
