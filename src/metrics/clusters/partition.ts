import type { OptionValue } from '../../protocol';
import { sum } from '../bootstrap';
import type { MeasureContext, MeasureOptions, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning, notFiniteReason } from '../reasons';
import { centredRows } from './centredRows';
import { type Clustering, kMeans, kMeansDefaults } from './kMeans';
import { silhouettes } from './silhouettes';

/** Numbers of clusters that `best` chooses from. */
export const candidates = [2, 3, 5, 8, 10, 15, 20, 30];
/** Partitions from different seeds that are compared: the seed and those that follow it. */
export const seedCount = 5;
/** The smaller number of clusters is taken when its silhouette is no further below the best than this: more than engines differ by. */
const silhouetteTie = 1e-6;

export type PartitionOptions = Pick<MeasureOptions, 'clusters' | 'seed'>;

interface KnownPartitions {
  readonly clusterings: Map<string, Clustering>;
  readonly best: Map<number, number>;
}

const memo = new WeakMap<PartRows, KnownPartitions>();

function known(part: PartRows): KnownPartitions {
  let own = memo.get(part);
  if (!own) {
    own = { clusterings: new Map(), best: new Map() };
    memo.set(part, own);
  }
  return own;
}

/** @throws {RangeError} when an option is out of range. */
export function requirePartitionOptions({ clusters, seed }: PartitionOptions): void {
  if (clusters !== 'best' && (!Number.isInteger(clusters) || clusters < 2)) throw new RangeError(`clusters must be a whole number of at least 2 or "best", not ${clusters}.`);
  if (!Number.isSafeInteger(seed)) throw new RangeError(`The seed must be a whole number, not ${seed}.`);
}

/** Why a part has no partition, or null. */
export function noPartitionReason(part: PartRows, { clusters }: PartitionOptions, context: MeasureContext): string | null {
  const reason = notFiniteReason(part);
  if (reason) return reason;
  const { rows } = part.features;
  const least = clusters === 'best' ? (candidates[0] as number) : clusters;
  if (rows <= least) return `${least} clusters need more than ${least} rows; there ${rows === 1 ? 'is 1' : `are ${rows}`}.`;
  return centredRows(part.features, context).largestNorm === 0 ? 'All rows are the same.' : null;
}

/**
 * The partition of a part that every measure of clusters uses: k-means on the rows as they are, from the first seed; kept by part.
 * Only for parts with no `noPartitionReason`.
 */
export async function partitionOf(part: PartRows, options: PartitionOptions, context: MeasureContext): Promise<Clustering> {
  const k = await numberOfClusters(part, options, context);
  return (await clusterings(part, k, [options.seed], context))[0] as Clustering;
}

/** Partitions from `seedCount` seeds, that of the first seed first. */
export async function partitionsOf(part: PartRows, options: PartitionOptions, context: MeasureContext): Promise<readonly Clustering[]> {
  const k = await numberOfClusters(part, options, context);
  return clusterings(part, k, Array.from({ length: seedCount }, (_, index) => options.seed + index), context);
}

async function numberOfClusters(part: PartRows, { clusters, seed }: PartitionOptions, context: MeasureContext): Promise<number> {
  if (clusters !== 'best') return clusters;
  const { best } = known(part);
  let k = best.get(seed);
  if (k === undefined) {
    const possible = candidates.filter((candidate) => candidate < part.features.rows);
    const found: Clustering[] = [];
    for (const candidate of possible) found.push(...(await clusterings(part, candidate, [seed], context)));
    const values = (await silhouettes(part.features, found.map(({ labels }) => labels), context)).map((own) => sum(own) / own.length);
    const highest = Math.max(...values);
    k = possible[values.findIndex((value) => value >= highest - silhouetteTie)] as number;
    best.set(seed, k);
  }
  return k;
}

async function clusterings(part: PartRows, k: number, seeds: readonly number[], context: MeasureContext): Promise<Clustering[]> {
  const own = known(part).clusterings;
  const key = (seed: number) => `${k} ${seed}`;
  const missing = seeds.filter((seed) => !own.has(key(seed)));
  if (missing.length > 0) {
    for (const found of await kMeans(part.features, { clusters: k, seeds: missing }, context)) own.set(key(found.seed), found);
  }
  return seeds.map((seed) => own.get(key(seed)) as Clustering);
}

/** What every record of a measure of clusters says of its partitions. A number of clusters that was found, not asked for, is a detail and no option. */
export function recordedOptions({ clusters }: Pick<MeasureOptions, 'clusters'>): Record<string, OptionValue> {
  return {
    clusters,
    ...(clusters === 'best' ? { candidates: candidates.join(' ') } : { k: clusters }),
    restarts: kMeansDefaults.restarts,
    iterations: kMeansDefaults.iterations,
    normalisation: 'none',
  };
}

export function partitionDetails({ clusters }: Pick<MeasureOptions, 'clusters'>, { sizes }: Clustering): Record<string, number> {
  return clusters === 'best' ? { k: sizes.length } : {};
}

export function partitionWarnings(part: PartRows, found: readonly Clustering[]): string[] {
  return [...fewSamplesWarning(part), ...clusteringWarnings(found)];
}

export function clusteringWarnings(found: readonly Clustering[]): string[] {
  const warnings: string[] = [];
  const used = Math.min(...found.map(({ sizes }) => sizes.filter((size) => size > 0).length));
  const k = found[0]?.sizes.length ?? 0;
  if (used < k) warnings.push(`Only ${used} of ${k} clusters have rows: there are no more distinct rows.`);
  const moving = found.filter(({ converged }) => !converged).length;
  if (moving > 0) warnings.push(`${moving} of ${found.length} partitions still changed after ${kMeansDefaults.iterations} iterations.`);
  return warnings;
}

/** The record of a value that cannot be taken. */
export function noValue(options: Record<string, OptionValue>, reason: string): PartValue {
  return { value: null, options, warnings: [reason] };
}
