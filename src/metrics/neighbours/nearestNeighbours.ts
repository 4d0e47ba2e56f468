import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { distanceMatrix, isKept } from './distanceMatrix';
import { type CentredPoints, centrePoints, type DistanceTile, errorFactor, exactBelow, exactSquare, visitRowTiles, visitUpperTiles } from './distanceTiles';

export interface Neighbours {
  /** Neighbours of each row. */
  readonly count: number;
  /** n x count, nearest first; of equally distant ones the smaller index first. */
  readonly indices: Int32Array;
  /** n x count squared distances in float64, in units of 1 / scale^2. */
  readonly squared: Float64Array;
  /** A power of two. */
  readonly scale: number;
}

export interface NeighbourOptions {
  /** Whose neighbours among the points are sought. Default: of each point among the others. */
  readonly queries?: Matrix;
  /** Whether all distances are kept for who asks next (a symmetric matrix of float32). Default true where there are no queries. */
  readonly keep?: boolean;
}

/** Room for candidates of one row beyond the neighbours themselves. */
const spareCandidates = 60;

/**
 * The nearest rows of each row in Euclidean distance; for cosine, give rows of length 1. Products in float32 find candidates, all that
 * could be among the nearest within the error of such a product, and distances of candidates are computed in float64 from differences:
 * indices and digits are the same on every engine.
 * @param points n x d, finite.
 * @throws {RangeError} when there are not so many other rows.
 */
export async function nearestNeighbours(points: Matrix, count: number, context: MeasureContext, options: NeighbourOptions = {}): Promise<Neighbours> {
  const { queries, keep = !queries && isKept(points) } = options;
  const others = points.rows - (queries ? 0 : 1);
  if (!Number.isInteger(count) || count < 1 || count > others) throw new RangeError(`There are no ${count} nearest neighbours among ${Math.max(0, others)} rows.`);
  if (queries && queries.columns !== points.columns) throw new RangeError(`Rows of ${queries.columns} and of ${points.columns} numbers have no distance.`);
  if (queries) {
    const base = centrePoints(points);
    const sought = centrePoints(queries, base);
    const search = new NeighbourSearch(sought, base, count);
    await visitRowTiles(sought, base, context, (tile) => search.offer(tile));
    return search.finish(context);
  }
  if (keep) {
    const { points: centred, squared } = await distanceMatrix(points, context);
    const search = new NeighbourSearch(centred, centred, count);
    const { rows: n } = points;
    const rowsAtOnce = 256;
    for (let firstRow = 0; firstRow < n; firstRow += rowsAtOnce) {
      context.checkpoint();
      const rows = Math.min(rowsAtOnce, n - firstRow);
      search.offer({ firstRow, rows, firstColumn: 0, columns: n, squared: squared.subarray(firstRow * n, (firstRow + rows) * n) });
    }
    return search.finish(context);
  }
  const centred = centrePoints(points);
  const search = new NeighbourSearch(centred, centred, count);
  await visitUpperTiles(centred, context, (tile) => search.offerBoth(tile));
  return search.finish(context);
}

class NeighbourSearch {
  private readonly capacity: number;
  /** Of each query the `count` smallest squared distances so far, ascending. */
  private readonly smallest: Float64Array;
  /** Of each query: above this, nothing can be among the nearest. -1 when there were too many candidates. */
  private readonly limit: Float64Array;
  private readonly candidates: Int32Array;
  private readonly distances: Float32Array;
  private readonly held: Int32Array;
  private readonly factor: number;
  private readonly exact: number;
  private readonly rounding: number;

  constructor(
    private readonly queries: CentredPoints,
    private readonly points: CentredPoints,
    private readonly count: number,
  ) {
    const { rows, columns } = queries.source;
    this.capacity = count + spareCandidates;
    this.smallest = new Float64Array(rows * count).fill(Infinity);
    this.limit = new Float64Array(rows).fill(Infinity);
    this.candidates = new Int32Array(rows * this.capacity);
    this.distances = new Float32Array(rows * this.capacity);
    this.held = new Int32Array(rows);
    this.factor = errorFactor(columns);
    this.exact = exactBelow(columns);
    this.rounding = 2 ** -20 + (columns + 8) * 2 ** -27;
  }

  /** Each row of the tile against its columns. */
  offer({ firstRow, rows, firstColumn, columns, squared }: DistanceTile): void {
    const itself = this.queries === this.points;
    for (let i = 0; i < rows; i++) {
      const row = firstRow + i;
      let limit = this.limit[row] as number;
      for (let j = 0; j < columns; j++) {
        const square = squared[i * columns + j] as number;
        if (square <= limit && !(itself && firstColumn + j === row)) limit = this.hold(row, firstColumn + j, square);
      }
    }
  }

  /** Each pair right of the diagonal, in both directions. */
  offerBoth({ firstRow, rows, firstColumn, columns, squared }: DistanceTile): void {
    const { limit: limits } = this;
    for (let i = 0; i < rows; i++) {
      const row = firstRow + i;
      let limit = limits[row] as number;
      for (let j = Math.max(0, row + 1 - firstColumn); j < columns; j++) {
        const square = squared[i * columns + j] as number;
        if (square <= limit) limit = this.hold(row, firstColumn + j, square);
        if (square <= (limits[firstColumn + j] as number)) this.hold(firstColumn + j, row, square);
      }
    }
  }

  private hold(row: number, column: number, square: number): number {
    const { count, capacity, smallest } = this;
    let place = row * count + count - 1;
    if (square < (smallest[place] as number)) {
      while (place > row * count && (smallest[place - 1] as number) > square) {
        smallest[place] = smallest[place - 1] as number;
        place -= 1;
      }
      smallest[place] = square;
      this.limit[row] = this.limitOf(row, smallest[row * count + count - 1] as number);
    }
    let held = this.held[row] as number;
    if (held === capacity) held = this.dropFar(row);
    if (held === capacity) {
      this.limit[row] = -1;
      return -1;
    }
    this.candidates[row * capacity + held] = column;
    this.distances[row * capacity + held] = square;
    this.held[row] = held + 1;
    return this.limit[row] as number;
  }

  /**
   * What a row's `count`-th distance s allows: a neighbour y within s has ||y||^2 <= 2 ||x||^2 + 2 s, and both s and what is compared with
   * it are off by the factor times ||x||^2 + ||y||^2 at most. Where s is far below what cancellation spoils, nothing spoiled can be as
   * near.
   */
  private limitOf(row: number, square: number): number {
    const own = this.queries.squares[row] as number;
    if (square < 0.9 * (this.exact - this.factor) * own) return square * (1 + this.rounding);
    return square + 2.1 * this.factor * (3 * own + 2 * square);
  }

  private dropFar(row: number): number {
    const start = row * this.capacity;
    const limit = this.limit[row] as number;
    let kept = 0;
    for (let at = start; at < start + this.capacity; at++) {
      if ((this.distances[at] as number) > limit) continue;
      this.candidates[start + kept] = this.candidates[at] as number;
      this.distances[start + kept] = this.distances[at] as number;
      kept += 1;
    }
    this.held[row] = kept;
    return kept;
  }

  finish({ checkpoint }: MeasureContext): Neighbours {
    const { count, capacity } = this;
    const { rows, columns } = this.queries.source;
    const indices = new Int32Array(rows * count);
    const squared = new Float64Array(rows * count);
    const pause = Math.max(1, Math.floor(2e7 / (columns * (count + 1))));
    for (let row = 0; row < rows; row++) {
      if (row % pause === 0) checkpoint();
      const limit = this.limit[row] as number;
      const found: { readonly index: number; readonly square: number }[] = [];
      const add = (index: number) => found.push({ index, square: exactSquare(this.queries, row, this.points, index) });
      if (limit < 0) {
        checkpoint();
        for (let index = 0; index < this.points.source.rows; index++) if (this.queries !== this.points || index !== row) add(index);
      } else {
        for (let at = row * capacity; at < row * capacity + (this.held[row] as number); at++) {
          if ((this.distances[at] as number) <= limit) add(this.candidates[at] as number);
        }
      }
      found.sort((a, b) => a.square - b.square || a.index - b.index);
      for (let place = 0; place < count; place++) {
        const { index, square } = found[place] as { index: number; square: number };
        indices[row * count + place] = index;
        squared[row * count + place] = square;
      }
    }
    return { count, indices, squared, scale: this.queries.scale };
  }
}
