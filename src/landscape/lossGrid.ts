/** Losses at the points of a grid; x runs along the second axis. */
export interface LossGrid {
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** [y * x]; null where a point is not known or not finite. */
  readonly loss: readonly (number | null)[];
}

export function lossAt({ x, loss }: LossGrid, column: number, row: number): number | null {
  return loss[row * x.length + column] ?? null;
}

/**
 * The loss between the points: bicubic convolution (Keys 1981), which is exact for quadratics, where all 16 points around are known; else bilinear.
 * @returns null outside of the grid or beside an unknown point
 */
export function interpolate(grid: LossGrid, x: number, y: number): number | null {
  const across = placeOn(grid.x, x);
  const down = placeOn(grid.y, y);
  if (across === null || down === null) return null;
  const corners = [lineOf(grid, across, down.place, false), lineOf(grid, across, down.place + 1, false)];
  if (corners.some((value) => value === null)) return null;
  const lines = [-1, 0, 1, 2].map((offset) => {
    const row = down.place + offset;
    return row < 0 || row >= grid.y.length ? undefined : lineOf(grid, across, row, true);
  });
  const smooth = cubic(lines, down.fraction);
  return smooth ?? corners[0]! * (1 - down.fraction) + corners[1]! * down.fraction;
}

interface Place {
  readonly place: number;
  readonly fraction: number;
}

/** The cell of an ascending, evenly spaced axis, and how far into it. */
function placeOn(axis: readonly number[], value: number): Place | null {
  const last = axis.length - 1;
  const step = (axis[last]! - axis[0]!) / last;
  const exact = (value - axis[0]!) / step;
  if (!(exact >= -1e-9 && exact <= last + 1e-9)) return null;
  const place = Math.min(last - 1, Math.max(0, Math.floor(exact)));
  return { place, fraction: Math.min(1, Math.max(0, exact - place)) };
}

function lineOf(grid: LossGrid, { place, fraction }: Place, row: number, smooth: boolean): number | null {
  if (!smooth) {
    const [left, right] = [lossAt(grid, place, row), lossAt(grid, place + 1, row)];
    return left === null || right === null ? null : left * (1 - fraction) + right * fraction;
  }
  return cubic([-1, 0, 1, 2].map((offset) => (place + offset < 0 || place + offset >= grid.x.length ? undefined : lossAt(grid, place + offset, row))), fraction);
}

/** Of four values in a row, those beyond the border undefined: they are continued as a parabola. Null when one is not known or the row is too short. */
function cubic(values: readonly (number | null | undefined)[], t: number): number | null {
  const [before, b, c, after] = values;
  if (b === null || c === null || b === undefined || c === undefined || before === null || after === null) return null;
  if (before === undefined && after === undefined) return null;
  const a = before ?? 3 * b - 3 * c + after!;
  const d = after ?? 3 * c - 3 * b + a;
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}
