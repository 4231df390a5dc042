// Where tiles go: the largest equal tiles for so many people in so much room. Pure arithmetic in CSS pixels.

export interface Grid {
  columns: number;
  rows: number;
  tileWidth: number;
  tileHeight: number;
  /** Tiles that fit at a size worth looking at; more people need more pages. */
  perPage: number;
}

export interface Area {
  width: number;
  height: number;
}

/** A tile may be this much wider than high: beyond it faces get cropped too hard. */
const ASPECT_MAX = 16 / 9;
/** On a wide stage a tile stays at least this wide for its height: cameras film wide, and cropping costs shoulders. */
const ASPECT_MIN_WIDE = 6 / 5;
/** On a tall one it may be this narrow, so that a phone held upright is well used. */
const ASPECT_MIN_TALL = 4 / 5;
/** Below this width a face is too small to read; people go to the next page instead. */
const TILE_WIDTH_MIN = 132;
/** Decoding more pictures than this at once overheats laptops whatever the window size. */
const PER_PAGE_MAX = 25;

export function gridFor(people: number, area: Area, gap: number): Grid {
  const count = Math.max(1, Math.min(people, PER_PAGE_MAX));
  for (let shown = count; shown > 1; shown--) {
    const grid = largest(shown, area, gap);
    if (grid.tileWidth >= TILE_WIDTH_MIN) return { ...grid, perPage: shown };
  }
  return { ...largest(1, area, gap), perPage: 1 };
}

function largest(count: number, area: Area, gap: number): Omit<Grid, 'perPage'> {
  let best = tilesIn(1, count, area, gap);
  for (let columns = 2; columns <= count; columns++) {
    const grid = tilesIn(columns, count, area, gap);
    if (score(grid, count) > score(best, count)) best = grid;
  }
  return best;
}

function tilesIn(columns: number, count: number, area: Area, gap: number): Omit<Grid, 'perPage'> {
  const rows = Math.ceil(count / columns);
  const cellWidth = Math.max(1, (area.width - gap * (columns - 1)) / columns);
  const cellHeight = Math.max(1, (area.height - gap * (rows - 1)) / rows);
  const tileWidth = Math.min(cellWidth, cellHeight * ASPECT_MAX);
  const aspectMin = area.width > area.height ? ASPECT_MIN_WIDE : ASPECT_MIN_TALL;
  const tileHeight = Math.min(cellHeight, tileWidth / aspectMin);
  return { columns, rows, tileWidth: Math.floor(tileWidth), tileHeight: Math.floor(tileHeight) };
}

/** Area counts most; of two nearly equal grids the one with fewer holes in its last row wins. */
function score(grid: Omit<Grid, 'perPage'>, count: number): number {
  const holes = grid.columns * grid.rows - count;
  return grid.tileWidth * grid.tileHeight * (1 - 0.04 * holes);
}

/** Whether the strip of cameras beside a large picture stands at its right or lies below it. */
export function stripSide(area: Area): 'right' | 'bottom' {
  return area.width > area.height * 1.15 ? 'right' : 'bottom';
}

/**
 * Who is on the first page. Arrival order is kept, so that faces stay where they are; only somebody who speaks from
 * a later page takes the place of the person on this page who has been quiet for the longest time.
 */
export function promoted(keys: string[], recentSpeakers: string[], perPage: number): string[] {
  if (keys.length <= perPage) return keys;
  const result = [...keys];
  const rank = (key: string) => {
    const index = recentSpeakers.indexOf(key);
    return index === -1 ? Number.POSITIVE_INFINITY : index;
  };
  // The first place is one's own and is never given away.
  const wanted = recentSpeakers.filter((key) => keys.includes(key)).slice(0, Math.max(0, perPage - 1));
  for (const key of wanted) {
    const from = result.indexOf(key);
    if (from < perPage) continue;
    const quietest = result
      .slice(1, perPage)
      .reduce((worst, other) => (rank(other) >= rank(worst) ? other : worst));
    const to = result.indexOf(quietest);
    result[to] = key;
    result[from] = quietest;
  }
  return result;
}
