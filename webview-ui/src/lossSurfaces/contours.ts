import { contours as d3Contours } from 'd3-contour';
import type { LandscapeSurface } from '../../../src/protocol';
import { fromGrid, type SurfaceGrid } from './grid';
import type { HeightScale } from './heightScale';

/** A place in the coordinates of the surface. */
export type Place = readonly [x: number, y: number];

/** The area at or above a level (`null`: all of the surface that has values), as rings; holes by the even-odd rule. */
export interface Band {
  readonly level: number | null;
  readonly rings: readonly (readonly Place[])[];
}

export interface LevelLine {
  readonly level: number;
  readonly places: readonly Place[];
}

export interface ContourDrawing {
  /** Lowest first: each is painted over the one before. */
  readonly bands: readonly Band[];
  readonly lines: readonly LevelLine[];
}

/** Filled contours and level lines; lines end where the surface or its values end. */
export function contourDrawing(grid: SurfaceGrid, scale: HeightScale): ContourDrawing {
  const values = Array.from(grid.drawn, scale.forward);
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { bands: [], lines: [] };
  const everything = known.reduce((low, value) => Math.min(low, value), Infinity) - 1;
  const rings = (threshold: number): Ring[] => ringsOf(grid, values, threshold);
  const bands: Band[] = [{ level: null, rings: toPlaces(grid, rings(everything)) }];
  const lines: LevelLine[] = [];
  for (const level of scale.levels) {
    const own = rings(scale.forward(level));
    if (own.length === 0) continue;
    bands.push({ level, rings: toPlaces(grid, own) });
    for (const places of innerLines(grid, values, own)) lines.push({ level, places });
  }
  return { bands, lines };
}

/** The border of the convex component around the origin, half way between points that belong and points that do not; open where it meets the edge. */
export function convexOutline(grid: SurfaceGrid, convex: LandscapeSurface['convex']): readonly (readonly Place[])[] {
  if (convex.length === 0) return [];
  const inside = convex.map(Number);
  return innerLines(grid, inside, ringsOf(grid, inside, 0.5));
}

/** In d3-contour's coordinates: the first point of the grid is at (0.5, 0.5). */
type Ring = readonly Place[];

function ringsOf({ columns, rows }: SurfaceGrid, values: number[], threshold: number): Ring[] {
  return d3Contours().size([columns, rows]).contour(values, threshold).coordinates.flat() as unknown as Ring[];
}

/** Rings run half a step outside of the points; there they are held at the edge. */
function toPlaces(grid: SurfaceGrid, rings: readonly Ring[]): Place[][] {
  return rings.map((ring) => ring.map((point) => toPlace(grid, point)));
}

function toPlace(grid: SurfaceGrid, [column, row]: Place): Place {
  return [fromGrid(grid.x, column - 0.5), fromGrid(grid.y, row - 0.5)];
}

/** The parts of rings that separate values, without those along the edge or along missing points. */
function innerLines(grid: SurfaceGrid, values: readonly number[], rings: readonly Ring[]): Place[][] {
  return rings.flatMap((ring) => linesOf(grid, values, ring));
}

function linesOf(grid: SurfaceGrid, values: readonly number[], ring: Ring): Place[][] {
  const lines: Place[][] = [];
  let line: Place[] | null = null;
  for (let index = 1; index < ring.length; index++) {
    const [from, to]: [Place, Place] = [ring[index - 1] ?? [0, 0], ring[index] ?? [0, 0]];
    if (!insideCell(grid, values, (from[0] + to[0]) / 2, (from[1] + to[1]) / 2)) {
      line = null;
      continue;
    }
    if (line === null) lines.push((line = [toPlace(grid, from)]));
    line.push(toPlace(grid, to));
  }
  // A ring begins anywhere: what was cut only there is one line.
  const [first, last] = [lines[0], lines.at(-1)];
  if (first && last && first !== last && samePlace(first[0], last.at(-1))) return [[...last, ...first.slice(1)], ...lines.slice(1, -1)];
  return lines;
}

function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
}

/** Whether the four points around are all there. */
function insideCell({ columns, rows }: SurfaceGrid, values: readonly number[], column: number, row: number): boolean {
  const [left, top] = [Math.floor(column - 0.5), Math.floor(row - 0.5)];
  if (left < 0 || top < 0 || left >= columns - 1 || top >= rows - 1) return false;
  return [0, 1].every((right) => [0, 1].every((down) => Number.isFinite(values[(top + down) * columns + left + right])));
}
