import type { LandscapeSurface } from '../../../src/protocol';
import type { ContourDrawing, Place } from './contours';
import { lossAt, type SurfaceGrid } from './grid';
import type { HeightScale } from './heightScale';

/** Height of the drawn box, which is 2 wide. */
export const boxHeight = 0.95;
/** Lines lie so much above the surface that they are not hidden by it. */
const lift = 0.008;

/** Three numbers a point: right, up, towards the viewer. */
export interface SurfaceMesh {
  readonly positions: Float32Array;
  /** Red, green, blue, 0 to 1, as on the screen (sRGB). */
  readonly colors: Float32Array;
  /** Three points a triangle. */
  readonly indices: Uint32Array;
}

/** A place of the surface in the box, -1 to 1 across, 0 to `boxHeight` up. */
export function toBox({ x, y }: Pick<SurfaceGrid, 'x' | 'y'>, scale: HeightScale, place: Place, loss: number): readonly [number, number, number] {
  const across = (axis: readonly number[], at: number): number => {
    const [low, high] = [axis[0] ?? 0, axis.at(-1) ?? 1];
    return (2 * (at - low)) / (high - low) - 1;
  };
  // y runs away from the viewer, as on paper it runs upwards.
  return [across(x, place[0]), Math.min(1, Math.max(0, scale.unit(loss))) * boxHeight, -across(y, place[1])];
}

/** Triangles between points that have a value. */
export function surfaceMesh(grid: SurfaceGrid, scale: HeightScale): SurfaceMesh {
  const { columns, rows, drawn } = grid;
  const positions = new Float32Array(3 * columns * rows);
  const colors = new Float32Array(3 * columns * rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const index = row * columns + column;
      const loss = drawn[index] ?? NaN;
      if (Number.isNaN(loss)) continue;
      positions.set(toBox(grid, scale, [grid.x[column] ?? 0, grid.y[row] ?? 0], loss), 3 * index);
      colors.set(scale.color(loss).map((part) => part / 255), 3 * index);
    }
  }
  const indices: number[] = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const [a, b] = [row * columns + column, row * columns + column + 1];
      const corners = [a, b, b + columns, a + columns].filter((index) => !Number.isNaN(drawn[index]));
      const [first, second, third, fourth] = corners;
      if (first === undefined || second === undefined || third === undefined) continue;
      indices.push(first, second, third);
      if (fourth !== undefined) indices.push(first, third, fourth);
    }
  }
  return { positions, colors, indices: Uint32Array.from(indices) };
}

/** The level lines on the surface, pairs of points, by the colour that is seen there. */
export function levelSegments(grid: SurfaceGrid, scale: HeightScale, lines: ContourDrawing['lines']): ReadonlyMap<string, Float32Array> {
  const colors = [...new Set(lines.map(({ level }) => scale.lineColor(level)))];
  return new Map(
    colors.map((color) => {
      const own = lines.filter(({ level }) => scale.lineColor(level) === color);
      return [color, segments(own.map(({ level, places }) => places.map((place) => toBox(grid, scale, place, level))))];
    }),
  );
}

/** Lines that follow the surface (the convex outline): pairs of points; parts without a value are left out. */
export function drapedSegments(grid: SurfaceGrid, scale: HeightScale, lines: readonly (readonly Place[])[]): Float32Array {
  return segments(lines.map((places) => places.map((place) => toBox(grid, scale, place, lossAt(grid, ...place)))));
}

function segments(lines: readonly (readonly (readonly [number, number, number])[])[]): Float32Array {
  const numbers: number[] = [];
  for (const line of lines) {
    for (let index = 1; index < line.length; index++) {
      const ends = [...(line[index - 1] ?? []), ...(line[index] ?? [])];
      if (ends.every(Number.isFinite)) numbers.push(...ends.map((one, axis) => (axis % 3 === 1 ? one + lift : one)));
    }
  }
  return Float32Array.from(numbers);
}

/** Where a checkpoint of the trajectory stands on the surface; its own loss where the surface has none there. Null outside. */
export function checkpointPlace(grid: SurfaceGrid, scale: HeightScale, point: LandscapeSurface['trajectory'][number]): readonly [number, number, number] | null {
  const below = lossAt(grid, point.x, point.y);
  const loss = Number.isNaN(below) ? point.loss : below;
  const inside = point.x >= (grid.x[0] ?? 0) && point.x <= (grid.x.at(-1) ?? 0) && point.y >= (grid.y[0] ?? 0) && point.y <= (grid.y.at(-1) ?? 0);
  return loss === null || !inside ? null : toBox(grid, scale, [point.x, point.y], loss);
}
