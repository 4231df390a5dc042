import { describe, expect, it } from 'vitest';
import { gridFor, promoted, stripSide } from './layout';

const DESKTOP = { width: 1280, height: 680 };
const PHONE = { width: 374, height: 640 };
const GAP = 10;

describe('gridFor', () => {
  it('gives one person the whole height of a wide window', () => {
    const grid = gridFor(1, DESKTOP, GAP);
    expect(grid.tileHeight).toBe(680);
    expect(grid.tileWidth).toBe(Math.floor((680 * 16) / 9));
  });

  it('puts two people side by side on a desktop and one above the other on a phone', () => {
    expect(gridFor(2, DESKTOP, GAP).columns).toBe(2);
    expect(gridFor(2, PHONE, GAP).columns).toBe(1);
  });

  it('arranges nine people in three rows of three', () => {
    expect(gridFor(9, DESKTOP, GAP)).toMatchObject({ columns: 3, rows: 3, perPage: 9 });
  });

  it.each([1, 2, 3, 4, 5, 7, 9, 12, 16, 20, 25])('never overflows the window with %i people', (people) => {
    for (const area of [DESKTOP, PHONE, { width: 900, height: 300 }]) {
      const { columns, rows, tileWidth, tileHeight } = gridFor(people, area, GAP);
      expect(columns * tileWidth + (columns - 1) * GAP).toBeLessThanOrEqual(area.width);
      expect(rows * tileHeight + (rows - 1) * GAP).toBeLessThanOrEqual(area.height);
    }
  });

  it.each([
    ['phone', PHONE, 4 / 5],
    ['desktop', DESKTOP, 6 / 5],
  ])('crops faces on a %s no further than its shape allows', (_name, area, narrowest) => {
    for (const people of [1, 2, 3, 6, 10]) {
      const { tileWidth, tileHeight } = gridFor(people, area, GAP);
      expect(tileWidth / tileHeight).toBeGreaterThan(narrowest - 0.02);
      expect(tileWidth / tileHeight).toBeLessThan(16 / 9 + 0.02);
    }
  });

  it('turns to pages when tiles would become too small, and never shows more than 25', () => {
    const phone = gridFor(40, PHONE, GAP);
    expect(phone.perPage).toBeLessThan(40);
    expect(phone.tileWidth).toBeGreaterThanOrEqual(132);
    expect(gridFor(200, { width: 3840, height: 2000 }, GAP).perPage).toBe(25);
  });
});

describe('promoted', () => {
  const keys = ['self', 'a', 'b', 'c', 'd', 'e'];

  it('keeps arrival order while everybody fits', () => {
    expect(promoted(keys, ['e'], 6)).toEqual(keys);
  });

  it('gives a speaker of a later page the place of the one who has been quiet longest', () => {
    expect(promoted(keys, ['e', 'a', 'b'], 4).slice(0, 4)).toEqual(['self', 'a', 'b', 'e']);
  });

  it('leaves everybody in place when the speaker is on the first page already', () => {
    expect(promoted(keys, ['b'], 4)).toEqual(keys);
  });

  it('never gives away the first place and never loses anybody', () => {
    const result = promoted(keys, ['e', 'd', 'c', 'b', 'a'], 2);
    expect(result[0]).toBe('self');
    expect([...result].sort()).toEqual([...keys].sort());
  });
});

it('puts the strip at the right of a wide stage and below a tall one', () => {
  expect(stripSide(DESKTOP)).toBe('right');
  expect(stripSide(PHONE)).toBe('bottom');
});
