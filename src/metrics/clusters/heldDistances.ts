import { type CentredRows, productError, type SquaredDistances } from './centredRows';
import { addRows } from './rowSums';

/** Estimates of squared distances, less ||x||^2 where `aside`: offset + factor * value, off by `fixed` + `linear` ||x|| + `quadratic` ||x||^2 at most. */
export interface Estimates {
  /** [clusters * count] */
  readonly values: Float64Array;
  readonly offsets: Float64Array;
  readonly factors: Float64Array;
  readonly aside: boolean;
  readonly fixed: number;
  readonly linear: number;
  readonly quadratic: number;
}

/** Rows that enter and leave each cluster. */
export interface Moves {
  readonly count: number;
  readonly enter: readonly (readonly number[])[];
  readonly leave: readonly (readonly number[])[];
}

/** What is known of the clusters: [clusters] each. */
interface Clusters {
  readonly weights: Float64Array;
  /** Squared lengths of the centroids; infinite where there is none. */
  readonly squares: Float64Array;
  readonly memberSquares: Float64Array;
}

/** What one sum in float64 can lose, with room to spare. */
const rounding = 2 ** -50;

/** Sums of squared distances of all rows to the members of each cluster, carried from one iteration to the next by the rows that move. */
export class HeldDistances {
  /** [clusters * n] */
  private readonly sums: Float64Array;
  /** [clusters] sum of the squared lengths of the members. */
  private readonly squares: Float64Array;
  /** [clusters] A sum can be off by `fixed` + `linear` ||x|| + `quadratic` ||x||^2, x being the row. */
  private readonly fixed: Float64Array;
  private readonly linear: Float64Array;
  private readonly quadratic: Float64Array;

  /** @param products [clusters * n] of centroids and rows, from float32. */
  constructor({ norms, exact }: CentredRows, products: Float64Array, { weights, squares, memberSquares }: Clusters) {
    const n = norms.length;
    this.sums = new Float64Array(products.length);
    this.squares = memberSquares.slice();
    this.fixed = memberSquares.map((members) => rounding * members);
    this.linear = new Float64Array(weights.length);
    this.quadratic = weights.map((weight) => rounding * weight);
    for (let cluster = 0; cluster < weights.length; cluster++) {
      const square = squares[cluster] as number;
      // A cluster without members begins with sums of none.
      if (square === Infinity) continue;
      const weight = weights[cluster] as number;
      const members = memberSquares[cluster] as number;
      this.linear[cluster] = 2 * productError(exact.columns) * weight * Math.sqrt(square);
      for (let i = 0, at = cluster * n; i < n; i++, at++) this.sums[at] = members + weight * ((norms[i] as number) ** 2 - 2 * (products[at] as number));
    }
  }

  /** The mean squared distance to the members is that to the centroid and, on top, that of the members to their centroid. */
  estimates(squares: Float64Array, weights: Float64Array): Estimates {
    const largest = (totals: Float64Array) => totals.reduce((most, total, cluster) => Math.max(most, total / (weights[cluster] as number)), 0);
    return {
      values: this.sums,
      offsets: squares.map((square, cluster) => (square === Infinity ? square : square - (this.squares[cluster] as number) / (weights[cluster] as number))),
      factors: weights.map((weight) => 1 / weight),
      aside: false,
      fixed: largest(this.fixed),
      linear: largest(this.linear),
      quadratic: largest(this.quadratic),
    };
  }

  move({ enter, leave }: Moves, { relativeError, linearError, unit, matrix }: SquaredDistances, norms: Float64Array): void {
    const n = norms.length;
    const { sums, squares, fixed, linear, quadratic } = this;
    for (let cluster = 0; cluster < squares.length; cluster++) {
      const [entering, leaving] = [enter[cluster] ?? [], leave[cluster] ?? []];
      const moved = entering.length + leaving.length;
      if (moved === 0) continue;
      const own = sums.subarray(cluster * n, (cluster + 1) * n);
      addRows(own, matrix, entering, unit);
      addRows(own, matrix, leaving, -unit);
      const [came, went] = [sumOfSquares(norms, entering), sumOfSquares(norms, leaving)];
      const most = (squares[cluster] as number) + came;
      squares[cluster] = most - went;
      let lengths = 0;
      for (const row of entering) lengths += norms[row] as number;
      for (const row of leaving) lengths += norms[row] as number;
      const added = relativeError * (came + went) + linearError * (lengths + moved * linearError) + rounding * moved * most;
      fixed[cluster] = (fixed[cluster] as number) + added;
      linear[cluster] = (linear[cluster] as number) + linearError * moved;
      // No cluster has more than n members.
      quadratic[cluster] = (quadratic[cluster] as number) + (relativeError + rounding * n) * moved;
    }
  }
}

export function sumOfSquares(norms: Float64Array, rows: readonly number[]): number {
  let total = 0;
  for (const row of rows) total += (norms[row] as number) ** 2;
  return total;
}
