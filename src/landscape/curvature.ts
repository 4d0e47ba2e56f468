import { type LossGrid, lossAt } from './lossGrid';

/** Eigenvalues of the Hessian at a point of the grid. */
export interface Curvature {
  readonly smallest: number;
  readonly largest: number;
  /** What rounding of the losses to float32 can make of an eigenvalue that is 0. */
  readonly rounding: number;
}

/** Half a unit in the last place of float32, in which losses are computed, relative. */
const rounding32 = 2 ** -24;

/** By central differences of the eight neighbours. Null at the border and beside unknown points. */
export function curvatureAt(grid: LossGrid, column: number, row: number): Curvature | null {
  const { x, y } = grid;
  if (column < 1 || row < 1 || column >= x.length - 1 || row >= y.length - 1) return null;
  const near: number[] = [];
  for (let down = -1; down <= 1; down++) {
    for (let across = -1; across <= 1; across++) {
      const value = lossAt(grid, column + across, row + down);
      if (value === null) return null;
      near.push(value);
    }
  }
  const [a, b, c, d, e, f, g, h, i] = near as [number, number, number, number, number, number, number, number, number];
  const stepX = (x[column + 1]! - x[column - 1]!) / 2;
  const stepY = (y[row + 1]! - y[row - 1]!) / 2;
  const xx = (d - 2 * e + f) / stepX ** 2;
  const yy = (b - 2 * e + h) / stepY ** 2;
  const xy = (i - g - c + a) / (4 * stepX * stepY);
  const middle = (xx + yy) / 2;
  const radius = Math.hypot((xx - yy) / 2, xy);
  const size = Math.max(...near.map(Math.abs));
  return { smallest: middle - radius, largest: middle + radius, rounding: (4 * rounding32 * size) / Math.min(stepX, stepY) ** 2 };
}

export interface ConvexComponent {
  /** [y * x], false at the border, where there is no Hessian. */
  readonly points: readonly boolean[];
  /** Points of the component over points that could have a Hessian. */
  readonly area: number;
}

/**
 * The points that are connected with the origin, along the axes, through points whose Hessian is positive semi-definite (up to rounding).
 * @param originColumn, originRow place of the model
 */
export function convexComponent(grid: LossGrid, originColumn: number, originRow: number): ConvexComponent {
  const columns = grid.x.length;
  const points = grid.loss.map(() => false);
  const waiting: [number, number][] = [[originColumn, originRow]];
  const seen = new Set<number>();
  let count = 0;
  for (;;) {
    const next = waiting.pop();
    if (next === undefined) break;
    const [column, row] = next;
    const place = row * columns + column;
    if (seen.has(place)) continue;
    seen.add(place);
    const curvature = curvatureAt(grid, column, row);
    if (curvature === null || curvature.smallest < -curvature.rounding) continue;
    points[place] = true;
    count++;
    waiting.push([column - 1, row], [column + 1, row], [column, row - 1], [column, row + 1]);
  }
  return { points, area: count / ((columns - 2) * (grid.y.length - 2)) };
}
