import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { type CentredPoints, centrePoints, type DistanceTile, visitUpperTiles } from './distanceTiles';

/** Squared Euclidean distances of all pairs of rows. */
export interface DistanceMatrix {
  readonly points: CentredPoints;
  /** n x n, symmetric, 0 on the diagonal; in the units of the points. */
  readonly squared: Float32Array;
}

/** Up to this many points (151 MB; 67 MB for 4096) the matrix is kept, so that all measures of distances share one half of a product. */
export const mostKept = 6144;

const memo = new WeakMap<Matrix, DistanceMatrix>();

/** Whether the matrix of these points is small enough to be made and kept. */
export function isKept({ rows }: Matrix): boolean {
  return rows <= mostKept;
}

/** All distances between the rows, kept as long as the matrix given is. Every entry is as good as `errorFactor` and `exactBelow` say. */
export async function distanceMatrix(rows: Matrix, context: MeasureContext): Promise<DistanceMatrix> {
  let known = memo.get(rows);
  if (!known) {
    const points = centrePoints(rows);
    const n = rows.rows;
    const squared = new Float32Array(n * n);
    await visitUpperTiles(points, context, (tile) => place(tile, squared, n));
    const { source, scale, mean, squares } = points;
    known = { points: { source, scale, mean, squares }, squared };
    memo.set(rows, known);
  }
  return known;
}

/** Lets go of the distances between these rows; whoever asks again pays again. */
export function releaseDistances(rows: Matrix): void {
  memo.delete(rows);
}

/** The entries right of the diagonal, and the same numbers down the columns below it. */
function place({ firstRow, rows, firstColumn, columns, squared: tile }: DistanceTile, squared: Float32Array, n: number): void {
  const strip = 16;
  for (let from = 0; from < rows; from += strip) {
    const to = Math.min(from + strip, rows);
    for (let i = from; i < to; i++) {
      const row = firstRow + i;
      const first = Math.max(0, row + 1 - firstColumn);
      squared.set(tile.subarray(i * columns + first, (i + 1) * columns), row * n + firstColumn + first);
    }
    for (let j = Math.max(0, firstRow + from + 1 - firstColumn); j < columns; j++) {
      const column = (firstColumn + j) * n + firstRow;
      const end = Math.min(to, firstColumn + j - firstRow);
      for (let i = from; i < end; i++) squared[column + i] = tile[i * columns + j] as number;
    }
  }
}
