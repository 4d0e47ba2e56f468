import { kernels, layOut } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';
import { type CentredRows, productError, type SquaredDistances } from './centredRows';
import { type Estimates, HeldDistances, type Moves, sumOfSquares } from './heldDistances';
import { addRows } from './rowSums';

/** Estimates that are looked through at a time, and of how many points at least. */
const numbersAtOnce = 1 << 16;
const leastPoints = 64;

/**
 * One start of k-means on its way (Lloyd 1982). Which centroid is nearest is decided by distances in plain float64, summed in order, the lower number winning a tie;
 * products on the engine only tell, by a bound on their error, for which rows there is nothing to decide. So the engine has no influence on the labels.
 */
export class Restart {
  /** [n] -1 before the first iteration. */
  readonly labels: Int32Array;
  readonly sizes: Int32Array;
  iterations = 0;
  converged = false;
  held: HeldDistances | null = null;
  /** Rows that distances in float64 had to decide in the latest iteration. */
  undecided = 0;
  /** [clusters * d] the centroids times `weights`; exact, as all sums of rows are. */
  private readonly sums: Float64Array;
  readonly weights: Float64Array;
  /** [clusters] squared lengths of the centroids; infinite where there is none, which is then never the nearest. */
  readonly squares: Float64Array;
  /** [clusters] sum of the squared lengths of the members. */
  readonly memberSquares: Float64Array;
  private readonly next: Int32Array;
  private longest = 0;
  /**
   * [n] How much nearer its centroid is than the second nearest, plus what centroids had drifted by then: as long as this is more than what they have drifted by now, the
   * triangle inequality says that nothing changes for the row (Hamerly 2010).
   */
  private readonly lead: Float64Array;
  /** [clusters] way of each centroid so far, and the sum of the longest steps of any. */
  private readonly drift: Float64Array;
  private longestDrift = 0;
  private readonly spare: Float64Array;

  constructor(
    private readonly rows: CentredRows,
    start: Matrix<Float64Array>,
  ) {
    const n = rows.exact.rows;
    this.labels = new Int32Array(n).fill(-1);
    this.next = new Int32Array(n);
    this.lead = new Float64Array(n).fill(-Infinity);
    this.memberSquares = new Float64Array(start.rows);
    this.drift = new Float64Array(start.rows);
    this.spare = new Float64Array(start.columns);
    this.sizes = new Int32Array(start.rows);
    this.sums = start.data.slice();
    this.weights = new Float64Array(start.rows).fill(1);
    this.squares = new Float64Array(start.rows);
    for (let cluster = 0; cluster < start.rows; cluster++) this.measureCentroid(cluster);
    this.longest = Math.sqrt(Math.max(...this.squares));
  }

  /** Sum over clusters of size times squared length of the centroid: what the clusters take off the inertia of all rows. */
  get explained(): number {
    let total = 0;
    for (let cluster = 0; cluster < this.sizes.length; cluster++) {
      const size = this.sizes[cluster] as number;
      if (size > 0) total += size * (this.squares[cluster] as number);
    }
    return total;
  }

  /** Writes the centroids in float32. */
  writeCentroids(into: Float32Array): void {
    const { columns } = this.rows.exact;
    for (let cluster = 0; cluster < this.weights.length; cluster++) {
      const inverse = 1 / (this.weights[cluster] as number);
      for (let j = cluster * columns; j < (cluster + 1) * columns; j++) into[j] = (this.sums[j] as number) * inverse;
    }
  }

  /**
   * Finds the nearest centroid of `count` rows.
   * @param products [clusters * count] of centroids and rows, from float32.
   */
  assignByProducts(products: Float64Array, from: number, count: number): void {
    const factors = new Float64Array(this.sizes.length).fill(-2);
    const linear = 2 * productError(this.rows.exact.columns) * this.longest;
    this.assign({ values: products, offsets: this.squares, factors, aside: true, fixed: 0, linear, quadratic: 0 }, from, count);
  }

  /** The same for all rows, by the distances that are held. */
  assignByHeld(held: HeldDistances): void {
    this.assign(held.estimates(this.squares, this.weights), 0, this.labels.length);
  }

  private assign(estimates: Estimates, from: number, count: number): void {
    const atOnce = Math.max(leastPoints, Math.floor(numbersAtOnce / estimates.factors.length));
    for (let first = 0; first < count; first += atOnce) this.assignSome(estimates, from, first, Math.min(atOnce, count - first), count);
  }

  /** Points `first` .. `first + some - 1` of `count`, of which the first one is row `from`. */
  private assignSome({ values, offsets, factors, aside, fixed, linear, quadratic }: Estimates, from: number, first: number, some: number, count: number): void {
    const { lead, labels, next, longest } = this;
    const { norms, exact, largestNorm } = this.rows;
    const clusters = factors.length;
    const drift = this.drift.map((own) => own + this.longestDrift);
    const [own, ownOffsets, ownFactors, least, leastButOne, places] = layOut(clusters * some, clusters, clusters, some, some, some);
    for (let cluster = 0; cluster < clusters; cluster++) own.set(values.subarray(cluster * count + first, cluster * count + first + some), cluster * some);
    ownOffsets.set(offsets);
    ownFactors.set(factors);
    const { smallestTwo } = kernels();
    smallestTwo(own.byteOffset, clusters, some, ownOffsets.byteOffset, ownFactors.byteOffset, least.byteOffset, leastButOne.byteOffset, places.byteOffset);
    // What float64 itself adds, here and in the distances that decide.
    const rounding = (exact.columns + 8) * 2 ** -52;
    const guard = 1e-9 * largestNorm;
    for (let i = 0; i < some; i++) {
      const row = from + first + i;
      const label = labels[row] as number;
      if (label >= 0 && (lead[row] as number) > (drift[label] as number)) {
        next[row] = label;
        continue;
      }
      const best = least[i] as number;
      const second = leastButOne[i] as number;
      let nearest = places[i] as number;
      const norm = norms[row] as number;
      const wrong = fixed + (linear + quadratic * norm) * norm + rounding * (norm + longest) * (norm + longest) + 1e-30;
      if (!(second - best > 2 * wrong)) {
        const limit = best + 2 * wrong;
        this.undecided += 1;
        nearest = this.decide(row, (cluster) => (offsets[cluster] as number) + (factors[cluster] as number) * (own[cluster * some + i] as number) <= limit);
      }
      next[row] = nearest;
      const length = aside ? norm * norm : 0;
      const ahead = Math.sqrt(Math.max(0, second + length - wrong)) - Math.sqrt(Math.max(0, best + length + wrong));
      lead[row] = ahead - guard + (drift[nearest] as number);
    }
  }

  /** The nearest of the centroids that are possible. */
  private decide(row: number, possible: (cluster: number) => boolean): number {
    let nearest = -1;
    let least = Infinity;
    for (let cluster = 0; cluster < this.sizes.length; cluster++) {
      if (this.squares[cluster] === Infinity || !possible(cluster)) continue;
      const distance = this.squaredDistance(row, cluster);
      if (distance < least) {
        least = distance;
        nearest = cluster;
      }
    }
    return nearest;
  }

  squaredDistance(row: number, cluster: number): number {
    const { columns, data } = this.rows.exact;
    const { sums } = this;
    const x = row * columns;
    const c = cluster * columns;
    const inverse = 1 / (this.weights[cluster] as number);
    let total = 0;
    for (let j = 0; j < columns; j++) {
      const difference = (data[x + j] as number) - (sums[c + j] as number) * inverse;
      total += difference * difference;
    }
    return total;
  }

  /** Takes over the labels that were found. An empty cluster gets the row that is farthest from its centroid, as in scikit-learn. */
  takeLabels(): Moves {
    const { labels, next, sizes } = this;
    const moves = { count: 0, enter: Array.from(sizes, (): number[] => []), leave: Array.from(sizes, (): number[] => []) };
    const before = labels.slice();
    for (let row = 0; row < next.length; row++) {
      const from = labels[row] as number;
      const to = next[row] as number;
      if (from === to) continue;
      moves.count += 1;
      if (from >= 0) sizes[from] = (sizes[from] as number) - 1;
      sizes[to] = (sizes[to] as number) + 1;
      labels[row] = to;
    }
    if (moves.count > 0 && sizes.includes(0)) this.fillEmptyClusters();
    for (let row = 0; row < next.length; row++) {
      const from = before[row] as number;
      const to = labels[row] as number;
      if (from === to) continue;
      if (from >= 0) moves.leave[from]?.push(row);
      moves.enter[to]?.push(row);
    }
    return moves;
  }

  private fillEmptyClusters(): void {
    const { labels, sizes } = this;
    this.lead.fill(-Infinity);
    const distances = Float64Array.from(labels, (cluster, row) => this.squaredDistance(row, cluster));
    // A row on its centroid fills nothing: then there are fewer distinct rows than clusters.
    const apart = [...distances.keys()].filter((row) => (distances[row] as number) > 0);
    apart.sort((a, b) => (distances[b] as number) - (distances[a] as number) || a - b);
    for (const row of apart) {
      const empty = sizes.indexOf(0);
      if (empty < 0) return;
      const from = labels[row] as number;
      if ((sizes[from] as number) < 2) continue;
      sizes[from] = (sizes[from] as number) - 1;
      sizes[empty] = 1;
      labels[row] = empty;
    }
  }

  /** Moves the centroids to the means of their clusters. */
  moveCentroids({ enter, leave }: Moves, checkpoint: () => void): void {
    const { exact } = this.rows;
    const first = this.iterations === 1;
    let longestStep = 0;
    for (let cluster = 0; cluster < this.sizes.length; cluster++) {
      const own = this.sums.subarray(cluster * exact.columns, (cluster + 1) * exact.columns);
      const [entering, leaving] = [enter[cluster] ?? [], leave[cluster] ?? []];
      if (!first && entering.length + leaving.length === 0) continue;
      checkpoint();
      const weight = this.weights[cluster] as number;
      this.spare.set(own);
      if (first) own.fill(0);
      addRows(own, exact, entering, 1);
      addRows(own, exact, leaving, -1);
      const members = (first ? 0 : (this.memberSquares[cluster] as number)) + sumOfSquares(this.rows.norms, entering) - sumOfSquares(this.rows.norms, leaving);
      this.memberSquares[cluster] = (this.sizes[cluster] as number) > 0 ? members : 0;
      this.weights[cluster] = this.sizes[cluster] as number;
      this.measureCentroid(cluster);
      const step = distanceBetween(own, this.weights[cluster] as number, this.spare, weight);
      this.drift[cluster] = (this.drift[cluster] as number) + step;
      longestStep = Math.max(longestStep, step);
    }
    this.longestDrift += longestStep;
    this.longest = Math.sqrt(this.squares.reduce((most, square) => (square === Infinity ? most : Math.max(most, square)), 0));
  }

  private measureCentroid(cluster: number): void {
    const { columns } = this.rows.exact;
    const weight = this.weights[cluster] as number;
    let total = 0;
    for (let j = cluster * columns; j < (cluster + 1) * columns; j++) total += (this.sums[j] as number) * (this.sums[j] as number);
    this.squares[cluster] = weight === 0 ? Infinity : total / (weight * weight);
    if (weight === 0) this.weights[cluster] = 1;
  }

  /** Holds distances to the members of the clusters as they are, from the products of the centroids. */
  hold(products: Float64Array): void {
    this.held = new HeldDistances(this.rows, products, this);
  }

  moveHeld(moves: Moves, distances: SquaredDistances): void {
    this.held?.move(moves, distances, this.rows.norms);
  }
}

/** Of two centroids, given as sums and weights. */
function distanceBetween(a: Float64Array, weightOfA: number, b: Float64Array, weightOfB: number): number {
  const [inverseA, inverseB] = [1 / weightOfA, 1 / weightOfB];
  let sum = 0;
  for (let j = 0; j < a.length; j++) {
    const difference = (a[j] as number) * inverseA - (b[j] as number) * inverseB;
    sum += difference * difference;
  }
  return Math.sqrt(sum);
}
