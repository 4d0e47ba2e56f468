import type { MeasureContext } from '../contract';
import type { DistanceMatrix } from './distanceMatrix';
import { exactSquare } from './distanceTiles';

/**
 * Lengths of minimum spanning trees of subsets of points, by Prim's algorithm (1957) on the matrix of distances: m^2 / 2 steps for m
 * points. Which edges are in a tree is decided with the matrix's precision, edges that differ less than that being interchangeable; the
 * length of each is computed in float64 from differences.
 */
export class SpanningTrees {
  private readonly lengths = new Map<number, number>();
  private readonly best: Float32Array;
  private readonly from: Int32Array;

  constructor(
    private readonly distances: DistanceMatrix,
    private readonly context: MeasureContext,
  ) {
    const n = distances.points.source.rows;
    this.best = new Float32Array(n);
    this.from = new Int32Array(n);
  }

  /**
   * In units of the features.
   * @param subset Different points; is reordered.
   */
  length(subset: Int32Array): number {
    const { points, squared } = this.distances;
    const { best, from } = this;
    const n = points.source.rows;
    let left = subset.length - 1;
    let added = subset[left] as number;
    for (let place = 0; place < left; place++) best[place] = Infinity;
    let total = 0;
    const pause = Math.max(1, Math.floor(2e7 / (subset.length + points.source.columns)));
    for (let count = 0; left > 0; count++) {
      if (count % pause === 0) this.context.checkpoint();
      const row = added * n;
      let nearest = 0;
      let smallest = Infinity;
      for (let place = 0; place < left; place++) {
        const square = squared[row + (subset[place] as number)] as number;
        let own = best[place] as number;
        if (square < own) {
          own = square;
          best[place] = own;
          from[place] = added;
        }
        if (own < smallest) {
          smallest = own;
          nearest = place;
        }
      }
      added = subset[nearest] as number;
      total += this.edge(from[nearest] as number, added);
      left -= 1;
      subset[nearest] = subset[left] as number;
      best[nearest] = best[left] as number;
      from[nearest] = from[left] as number;
    }
    return total / points.scale;
  }

  /** Trees of overlapping subsets share most of their edges. */
  private edge(i: number, j: number): number {
    const { points } = this.distances;
    const key = Math.min(i, j) * points.source.rows + Math.max(i, j);
    let length = this.lengths.get(key);
    if (length === undefined) {
      length = Math.sqrt(exactSquare(points, i, points, j));
      this.lengths.set(key, length);
    }
    return length;
  }
}
