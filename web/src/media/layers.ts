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

/** Pictures beyond this many pixels a side are of no screen; the server believes no larger ones. */
const SIDE_MAX = 8_192;

/** The device pixels of a tile that are worth sending. */
export function shownAt({ width, height }: TileSize, pixelRatio: number): TileSize {
  const side = (css: number) =>
    Math.min(SIDE_MAX, Math.max(1, Math.round(css * Math.min(pixelRatio, PIXEL_RATIO_MAX))));
  return { width: side(width), height: side(height) };
}

export function layerFor(size: TileSize, pixelRatio: number): number {
  // The picture covers the tile, so the tighter side decides.
  const height = Math.max(size.height, (size.width * 9) / 16) * Math.min(pixelRatio, PIXEL_RATIO_MAX);
  const index = LAYER_HEIGHTS.findIndex((layer) => height <= layer * STRETCH_MAX);
  return index === -1 ? LAYER_HEIGHTS.length - 1 : index;
}
