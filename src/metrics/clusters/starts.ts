import { kmeansGenerator } from 'ml-kmeans';
import { type Matrix, zeros } from '../../linalg/matrix';
import { Random, randomPurpose } from '../random';
import { addRows } from './rowSums';

/** Rows that a start is looked for in: at least so many, and so many for each cluster. */
const leastRows = 512;
const rowsPerCluster = 16;
/** A start need not be the end: what is left is done on all rows. */
const iterationLimit = 8;

/**
 * Where k-means starts: the means of the clusters that k-means++ (Arthur & Vassilvitskii 2007) and ml-kmeans find in a random subsample of the rows, in few
 * dimensions. Plain float64 in fixed order, so that it depends on nothing but rows, seed and restart.
 * @param reduced the same rows in few dimensions.
 * @returns clusters x d.
 */
export function startingCentroids(
  rows: Matrix<Float64Array>,
  reduced: Matrix<Float64Array>,
  clusters: number,
  seed: number,
  restart: number,
  checkpoint: () => void,
): Matrix<Float64Array> {
  const random = new Random(randomPurpose.clusters, seed, restart);
  const chosen = sampleOf(rows.rows, Math.max(leastRows, rowsPerCluster * clusters), random);
  const points = Array.from(chosen, (row) => Array.from(reduced.data.subarray(row * reduced.columns, (row + 1) * reduced.columns)));
  const seeds = chooseSeeds(points, clusters, random, checkpoint);
  let labels: readonly number[] = [];
  const initialization = seeds.map((place) => points[place] as number[]);
  // Step by step, because a whole run could take longer than a cancellation may wait.
  for (const step of kmeansGenerator(points, clusters, { initialization, maxIterations: iterationLimit })) {
    checkpoint();
    labels = step.clusters;
  }
  return meansOf(rows, chosen, labels, seeds);
}

/** Up to `count` of 0 .. size-1, ascending, every set equally likely. */
function sampleOf(size: number, count: number, random: Random): Int32Array {
  const all = Int32Array.from({ length: size }, (_, index) => index);
  if (count >= size) return all;
  for (let i = 0; i < count; i++) {
    const other = i + random.below(size - i);
    const kept = all[i] as number;
    all[i] = all[other] as number;
    all[other] = kept;
  }
  return all.slice(0, count).sort();
}

/**
 * Each seed is drawn with probability proportional to its squared distance from the nearest one so far; of a few draws, the one that leaves the smallest sum of
 * these distances is taken (greedy k-means++, as in scikit-learn).
 */
function chooseSeeds(points: readonly number[][], clusters: number, random: Random, checkpoint: () => void): number[] {
  const draws = 2 + Math.floor(Math.log(clusters));
  const seeds = [random.below(points.length)];
  let nearest: Float64Array = new Float64Array(points.length).fill(Infinity);
  let total = lower(nearest, points, seeds[0] as number, nearest);
  while (seeds.length < clusters) {
    checkpoint();
    let chosen = random.below(points.length);
    let least = total > 0 ? Infinity : 0;
    let left = nearest;
    for (let i = 0; i < draws && total > 0; i++) {
      const place = draw(nearest, (random.next32() / 2 ** 32) * total);
      const candidate = new Float64Array(points.length);
      const sum = lower(nearest, points, place, candidate);
      if (sum < least) [chosen, least, left] = [place, sum, candidate];
    }
    seeds.push(chosen);
    [nearest, total] = [left, least];
  }
  return seeds;
}

/** Writes the squared distances to the nearest seed when there is one more, and answers with their sum. */
function lower(nearest: Float64Array, points: readonly number[][], seed: number, into: Float64Array): number {
  const latest = points[seed] as number[];
  let total = 0;
  for (let i = 0; i < points.length; i++) {
    const distance = squaredDistance(points[i] as number[], latest);
    into[i] = Math.min(distance, nearest[i] as number);
    total += into[i] as number;
  }
  return total;
}

/** The place at which the running sum of the weights exceeds `target`; the last one with a weight if rounding keeps it below. */
function draw(weights: Float64Array, target: number): number {
  let sum = 0;
  let place = 0;
  for (let i = 0; i < weights.length && sum <= target; i++) {
    if (weights[i] === 0) continue;
    sum += weights[i] as number;
    place = i;
  }
  return place;
}

function squaredDistance(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) {
    const difference = (a[j] as number) - (b[j] as number);
    sum += difference * difference;
  }
  return sum;
}

/** Mean of the chosen rows of each cluster; that of a cluster without rows is its seed. */
function meansOf(rows: Matrix<Float64Array>, chosen: Int32Array, labels: readonly number[], seeds: readonly number[]): Matrix<Float64Array> {
  const means = zeros(seeds.length, rows.columns);
  const members = seeds.map((): number[] => []);
  for (const [place, row] of chosen.entries()) members[labels[place] as number]?.push(row);
  for (const [cluster, seed] of seeds.entries()) {
    const own = members[cluster]?.length ? (members[cluster] as number[]) : [chosen[seed] as number];
    const mean = means.data.subarray(cluster * rows.columns, (cluster + 1) * rows.columns);
    addRows(mean, rows, own, 1);
    for (let j = 0; j < mean.length; j++) mean[j] = (mean[j] as number) / own.length;
  }
  return means;
}
