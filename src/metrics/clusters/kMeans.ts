import type { Matrix } from '../../linalg/matrix';
import { sum } from '../bootstrap';
import type { MeasureContext } from '../contract';
import { isKept } from '../neighbours/distanceMatrix';
import { type CentredRows, centredRows, squaredDistances } from './centredRows';
import { reducedRows } from './reducedRows';
import { Restart } from './restart';
import { startingCentroids } from './starts';

export interface KMeansOptions {
  /** Number of clusters, from 1 to the number of rows. */
  readonly clusters: number;
  /** One partition is found for each of them, independent of the others. */
  readonly seeds: readonly number[];
  /** Starts of each partition; the one with the smallest inertia is kept. Default 5. */
  readonly restarts?: number;
  /** Most iterations of one start. Default 300. */
  readonly iterations?: number;
}

export const kMeansDefaults = { restarts: 5, iterations: 300 } as const;

export interface Clustering {
  readonly seed: number;
  /** [n] cluster of each row, 0 .. clusters-1. */
  readonly labels: Int32Array;
  /** [clusters] rows of each; 0 only when there are fewer distinct rows than clusters. */
  readonly sizes: Int32Array;
  /** Sum of squared distances of the rows to the mean of their cluster. */
  readonly inertia: number;
  /** Iterations of the start that was kept. */
  readonly iterations: number;
  /** Whether the start that was kept reached a partition that no longer changes. */
  readonly converged: boolean;
}

/** Partitions that differ only in the numbers of their clusters are equally good but for rounding: then the first one is kept. */
const sameExplained = 1e-12;
/** Products of rows and centroids that are in memory at once. */
const mostProducts = 8e6;
/** Rows of which a number of starts that run side by side should be able to keep all products. */
const rowsAtOnce = 4096;
/** Rows that move are cheaper to follow one by one than a product of all rows, as long as they are few and wide. */
const followedShare = 1 / 16;
const followedWidth = 96;

/**
 * k-means with Euclidean distances: k-means++ on a subsample, Lloyd's iterations on all rows until no label changes. Labels are bit for bit the same for a seed,
 * whatever the engine.
 * @param points n x d, finite.
 * @throws {RangeError} when an option is out of range.
 */
export async function kMeans(points: Matrix, options: KMeansOptions, context: MeasureContext): Promise<readonly Clustering[]> {
  const { clusters, seeds, restarts = kMeansDefaults.restarts, iterations = kMeansDefaults.iterations } = options;
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > points.rows) {
    throw new RangeError(`${points.rows} rows cannot be put into ${clusters} clusters.`);
  }
  for (const [name, value] of Object.entries({ restarts, iterations })) {
    if (!Number.isInteger(value) || value < 1) throw new RangeError(`The ${name} of k-means must be a whole number of at least 1, not ${value}.`);
  }
  const rows = centredRows(points, context);
  const reduced = await reducedRows(rows, context);
  const starts = seeds.flatMap((seed) =>
    Array.from({ length: restarts }, (_, restart) => new Restart(rows, startingCentroids(rows.exact, reduced, clusters, seed, restart, context.checkpoint))),
  );
  // Few enough at once that all products of one fit into memory.
  const together = Math.max(1, Math.floor(mostProducts / (clusters * Math.min(points.rows, rowsAtOnce))));
  for (let at = 0; at < starts.length; at += together) await iterate(points, rows, starts.slice(at, at + together), iterations, context);
  return seeds.map((seed, index) => {
    const own = starts.slice(index * restarts, (index + 1) * restarts);
    const kept = own.reduce((best, one) => (one.explained > (1 + sameExplained) * best.explained ? one : best));
    const { labels, sizes, converged } = kept;
    return { seed, labels, sizes, iterations: kept.iterations, converged, inertia: inertiaOf(rows, kept) };
  });
}

/** Lloyd's iterations of several starts side by side, so that one product serves all of them. */
async function iterate(points: Matrix, rows: CentredRows, starts: readonly Restart[], limit: number, context: MeasureContext): Promise<void> {
  const n = rows.exact.rows;
  const following = isKept(points) && rows.exact.columns >= followedWidth;
  for (let iteration = 0; iteration < limit; iteration++) {
    const active = starts.filter(({ converged }) => !converged);
    if (active.length === 0) return;
    const products = await assignByProducts(rows, active.filter(({ held }) => !held), following, context);
    for (const start of active) {
      context.checkpoint();
      const { held } = start;
      if (held) start.assignByHeld(held);
      const moves = start.takeLabels();
      start.iterations = iteration + 1;
      start.converged = moves.count === 0;
      // Errors add up on the way; a fresh product is without them.
      const follow = following && moves.count > 0 && moves.count + start.undecided <= followedShare * n;
      start.undecided = 0;
      const own = products.get(start);
      if (!follow) start.held = null;
      else if (own) start.hold(own);
      if (start.held) start.moveHeld(moves, await squaredDistances(points, rows, context));
      start.moveCentroids(moves, context.checkpoint);
    }
  }
}

/** Assigns the rows of all given starts; answers with the products where all rows were done at once and they may be held. */
async function assignByProducts(
  { narrow }: CentredRows,
  starts: readonly Restart[],
  keep: boolean,
  { engine, checkpoint }: MeasureContext,
): Promise<ReadonlyMap<Restart, Float64Array>> {
  const kept = new Map<Restart, Float64Array>();
  const [first] = starts;
  if (!first) return kept;
  const { rows: n, columns, data } = narrow;
  const clusters = first.sizes.length;
  const stacked = new Float32Array(starts.length * clusters * columns);
  for (const [index, start] of starts.entries()) start.writeCentroids(stacked.subarray(index * clusters * columns, (index + 1) * clusters * columns));
  const left = { rows: starts.length * clusters, columns, data: stacked };
  const rowsAtOnce = Math.max(1, Math.min(n, Math.floor(mostProducts / left.rows)));
  for (let from = 0; from < n; from += rowsAtOnce) {
    checkpoint();
    const count = Math.min(rowsAtOnce, n - from);
    const right = { rows: count, columns, data: data.subarray(from * columns, (from + count) * columns) };
    const { data: products } = await engine.gemm(left, right, { transposeB: true, checkpoint });
    for (const [index, start] of starts.entries()) {
      checkpoint();
      const own = new Float64Array(products.subarray(index * clusters * count, (index + 1) * clusters * count));
      start.assignByProducts(own, from, count);
      if (keep && count === n) kept.set(start, own);
    }
  }
  return kept;
}

/** In the units of the rows as they were given. */
function inertiaOf({ scale, norms }: CentredRows, start: Restart): number {
  const squares = sum(norms.map((norm) => norm * norm));
  const difference = squares - start.explained;
  // Where the clusters take off nearly all, the difference has lost its digits.
  const inertia = difference > 1e-4 * squares ? difference : sum(Float64Array.from(start.labels, (cluster, row) => start.squaredDistance(row, cluster)));
  return inertia / scale / scale;
}
