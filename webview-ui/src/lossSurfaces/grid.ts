import type { LandscapeSurface } from '../../../src/protocol';

/** A surface as a regular grid of numbers; row by row, x fastest. */
export interface SurfaceGrid {
  readonly columns: number;
  readonly rows: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Computed losses; NaN where there is none. */
  readonly values: Float64Array;
  /** `values`, and between the computed points of an unfinished surface what lies between them; NaN where nothing can be said. */
  readonly drawn: Float64Array;
  readonly computed: number;
  /** Whether the rest is still to come, not merely not finite. */
  readonly unfinished: boolean;
}

/** A line has no grid. */
export function isLine(surface: LandscapeSurface): boolean {
  return surface.y.length === 0;
}

export function makeGrid(surface: LandscapeSurface): SurfaceGrid {
  const { x, y, loss, convex, setting } = surface;
  const values = Float64Array.from(loss, (value) => value ?? NaN);
  const computed = loss.reduce<number>((count, value) => count + (value === null ? 0 : 1), 0);
  // An imported surface is whole: what it lacks was not finite. One that is computed here gets its convexity when it is complete.
  const unfinished = computed < values.length && convex.length === 0 && setting.directions !== 'imported';
  const size = { columns: x.length, rows: y.length };
  return { ...size, x, y, values, drawn: unfinished ? between(values, size) : values, computed, unfinished };
}

/** Points of a coarse grid lie at most this many steps apart. */
const widestBlock = 64;

/**
 * What lies between the points of a grid that is filled coarse to fine: each missing point takes the bilinear value of the smallest block of
 * known corners that holds it. Points that no block holds stay NaN.
 */
export function between(values: Float64Array, { columns, rows }: { readonly columns: number; readonly rows: number }): Float64Array {
  const filled = values.slice();
  const at = (column: number, row: number): number => values[row * columns + column] ?? NaN;
  for (let size = 2; size <= Math.min(widestBlock, Math.max(columns, rows) - 1); size++) {
    const missing = countMissing(filled, columns, rows);
    if (missing(0, 0, columns, rows) === 0) break;
    for (let top = 0; top + size < rows; top++) {
      for (let left = 0; left + size < columns; left++) {
        const corners = [at(left, top), at(left + size, top), at(left, top + size), at(left + size, top + size)] as const;
        if (corners.some(Number.isNaN) || missing(left, top, left + size + 1, top + size + 1) === 0) continue;
        for (let row = top; row <= top + size; row++) {
          for (let column = left; column <= left + size; column++) {
            const index = row * columns + column;
            if (!Number.isNaN(filled[index])) continue;
            const [right, down] = [(column - left) / size, (row - top) / size];
            filled[index] = (corners[0] * (1 - right) + corners[1] * right) * (1 - down) + (corners[2] * (1 - right) + corners[3] * right) * down;
          }
        }
      }
    }
  }
  return filled;
}

/** How many points of a rectangle (its right and bottom excluded) have no value, by sums over all rectangles that begin at the first point. */
function countMissing(values: Float64Array, columns: number, rows: number): (left: number, top: number, right: number, bottom: number) => number {
  const width = columns + 1;
  const sums = new Uint32Array(width * (rows + 1));
  const sum = (column: number, row: number): number => sums[row * width + column] ?? 0;
  for (let row = 1; row <= rows; row++) {
    for (let column = 1; column <= columns; column++) {
      const own = Number.isNaN(values[(row - 1) * columns + column - 1]) ? 1 : 0;
      sums[row * width + column] = own + sum(column - 1, row) + sum(column, row - 1) - sum(column - 1, row - 1);
    }
  }
  return (left, top, right, bottom) => sum(right, bottom) - sum(left, bottom) - sum(right, top) + sum(left, top);
}

/** Place on an axis in steps of the grid: 0 at the first coordinate. Null outside. */
export function toGrid(axis: readonly number[], at: number): number | null {
  const last = axis.length - 1;
  if (!(at >= (axis[0] ?? NaN) && at <= (axis[last] ?? NaN))) return null;
  let step = 0;
  while (step < last - 1 && at >= (axis[step + 1] ?? Infinity)) step++;
  const [low, high] = [axis[step] ?? 0, axis[step + 1] ?? 1];
  return step + (at - low) / (high - low);
}

/** Coordinate of a place in steps of the grid; between points linear, outside held at the ends. */
export function fromGrid(axis: readonly number[], place: number): number {
  const last = axis.length - 1;
  const bounded = Math.min(last, Math.max(0, place));
  const step = Math.min(last - 1, Math.floor(bounded));
  const [low, high] = [axis[step] ?? 0, axis[step + 1] ?? 0];
  return low + (high - low) * (bounded - step);
}

/** The drawn loss at a place, bilinear between points; NaN where the surface has none. */
export function lossAt(grid: SurfaceGrid, x: number, y: number): number {
  const [column, row] = [toGrid(grid.x, x), toGrid(grid.y, y)];
  if (column === null || row === null) return NaN;
  const [left, top] = [Math.min(grid.columns - 2, Math.floor(column)), Math.min(grid.rows - 2, Math.floor(row))];
  let sum = 0;
  for (const [dx, dy] of [[0, 0], [1, 0], [0, 1], [1, 1]] as const) {
    const weight = (dx === 1 ? column - left : 1 - (column - left)) * (dy === 1 ? row - top : 1 - (row - top));
    if (weight > 0) sum += weight * (grid.drawn[(top + dy) * grid.columns + left + dx] ?? NaN);
  }
  return sum;
}

/** Indices of the point nearest to a place. */
export function nearestPoint(grid: SurfaceGrid, x: number, y: number): { readonly column: number; readonly row: number } {
  return { column: nearest(grid.x, x), row: nearest(grid.y, y) };
}

function nearest(axis: readonly number[], at: number): number {
  return axis.reduce((best, one, index) => (Math.abs(one - at) < Math.abs((axis[best] ?? Infinity) - at) ? index : best), 0);
}
