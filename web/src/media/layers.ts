// Which simulcast layer a tile deserves.

/** CSS pixels of a tile on screen. */
export interface TileSize {
  width: number;
  height: number;
}

/** Heights of the three layers of a 720p camera: `scaleResolutionDownBy` 4, 2 and 1. */
const LAYER_HEIGHTS = [180, 360, 720] as const;
/** Scaling a picture up by this much is hardly seen on a moving face, and the layer above costs three times as much. */
const STRETCH_MAX = 1.25;
/** Beyond two device pixels per CSS pixel nobody sees more of a face. */
const PIXEL_RATIO_MAX = 2;

export function layerFor(size: TileSize, pixelRatio: number): number {
  // The picture covers the tile, so the tighter side decides.
  const height = Math.max(size.height, (size.width * 9) / 16) * Math.min(pixelRatio, PIXEL_RATIO_MAX);
  const index = LAYER_HEIGHTS.findIndex((layer) => height <= layer * STRETCH_MAX);
  return index === -1 ? LAYER_HEIGHTS.length - 1 : index;
}
