import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { squaredDistanceBlocks } from '../neighbours/pairwiseDistances';
import { type Groups, groupRows } from './groupRows';

/**
 * Silhouette of each row in each of several partitions (Rousseeuw 1987), with Euclidean distances: (b - a) / max(a, b), where a is the mean distance to the other rows
 * of its cluster and b the smallest mean distance to the rows of another. 0 for a row that is alone in its cluster, as in scikit-learn.
 * @param partitions [n] cluster of each row, 0 .. most. At least two must have rows.
 */
export async function silhouettes(rows: Matrix, partitions: readonly Int32Array[], context: MeasureContext): Promise<Float64Array[]> {
  const groups = partitions.map(groupRows);
  const values = partitions.map(() => new Float64Array(rows.rows));
  const n = rows.rows;
  const distances = new Float64Array(n);
  await squaredDistanceBlocks(rows, context, (first, count, squared) => {
    for (let i = 0; i < count; i++) {
      context.checkpoint();
      for (let j = 0; j < n; j++) distances[j] = Math.sqrt(squared[i * n + j] as number);
      for (const [index, group] of groups.entries()) {
        const label = (partitions[index] as Int32Array)[first + i] as number;
        (values[index] as Float64Array)[first + i] = silhouetteOf(distances, group, label);
      }
    }
  });
  return values;
}

function silhouetteOf(distances: Float64Array, { order, starts }: Groups, own: number): number {
  let inside = 0;
  let outside = Infinity;
  for (let cluster = 0; cluster + 1 < starts.length; cluster++) {
    const end = starts[cluster + 1] as number;
    const start = starts[cluster] as number;
    if (start === end) continue;
    let sum = 0;
    for (let at = start; at < end; at++) sum += distances[order[at] as number] as number;
    if (cluster !== own) outside = Math.min(outside, sum / (end - start));
    else if (end - start === 1) return 0;
    else inside = sum / (end - start - 1);
  }
  const larger = Math.max(inside, outside);
  return larger > 0 ? (outside - inside) / larger : 0;
}
