import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { distanceMatrix, isKept } from './distanceMatrix';
import { centrePoints, visitRowTiles } from './distanceTiles';

export { type NeighbourOptions, type Neighbours, nearestNeighbours } from './nearestNeighbours';

const rowsAtOnce = 128;

/**
 * Squared Euclidean distances of rows to all rows, block of rows by block of rows, in order. Up to 6144 rows they are computed once for all
 * that ask and kept with the matrix; beyond, they are computed anew for each visit and never held at once.
 *
 * The unit is a power of two, 1 / scale^2, which the promise answers with: distances are taken of rows seen from their mean and scaled so
 * that float32 holds them. Those under 1/256 of ||x||^2 + ||y||^2 (from the mean) are exact but for rounding; of others the error is at
 * most (d + 8) 2^-24 (||x||^2 + ||y||^2), usually a hundredth of that.
 * @param rows n x d, finite.
 * @param visit Gets `squared`, rows x n; it must neither change nor keep it.
 */
export async function squaredDistanceBlocks(
  rows: Matrix,
  context: MeasureContext,
  visit: (firstRow: number, rows: number, squared: Float32Array) => void,
): Promise<{ readonly scale: number }> {
  const { rows: n } = rows;
  if (!isKept(rows)) {
    const points = centrePoints(rows);
    await visitRowTiles(points, points, context, ({ firstRow, rows: count, squared }) => visit(firstRow, count, squared));
    return { scale: points.scale };
  }
  const { points, squared } = await distanceMatrix(rows, context);
  for (let firstRow = 0; firstRow < n; firstRow += rowsAtOnce) {
    context.checkpoint();
    const count = Math.min(rowsAtOnce, n - firstRow);
    visit(firstRow, count, squared.subarray(firstRow * n, (firstRow + count) * n));
  }
  return { scale: points.scale };
}
