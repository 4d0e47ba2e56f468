import { isOfTraining, type MeasurementRecord, type Split } from '../protocol';
import { obstaclesBetween } from './comparability';
import { chooseMoment, type Moment, momentRecords, type WhereToCompare } from './moment';

export { type Moment, momentWords, type WhereToCompare } from './moment';

/** How far another run is from the first one; larger than zero where its value is larger. */
export interface RunDifference {
  /** Null where the two values do not compare. */
  readonly value: number | null;
  /** Of the difference, from those of both as if their samples were drawn independently; null where one of them has none. */
  readonly standardError: number | null;
  /** Bounds of the 95 % interval. */
  readonly low: number | null;
  readonly high: number | null;
  /** Why there is no difference; empty where there is one. */
  readonly obstacles: readonly string[];
}

/** One metric of one layer on one part, side by side. */
export interface ComparisonRow {
  readonly metric: string;
  /** Null for weights. */
  readonly split: Split | null;
  readonly layer: string;
  readonly layerIndex: number;
  /** [runs] null where the run has no such record at that moment. */
  readonly values: readonly (MeasurementRecord | null)[];
  /** [runs - 1] of the second and every further run to the first. */
  readonly differences: readonly RunDifference[];
}

export interface RunComparison {
  /** Where features were compared; null when no run has any. */
  readonly features: Moment | null;
  /** Where weights were compared; null when no run has any. */
  readonly weights: Moment | null;
  /** By metric in the order of the records, then shallow to deep, then train, held-out and gap; weights last. */
  readonly rows: readonly ComparisonRow[];
}

export interface CompareOptions {
  /** At the latest moment that all runs have (default), at the last of each, or at an epoch (a step where the runs have no epochs). */
  readonly at: WhereToCompare;
}

/** 97.5 % quantile of the standard normal distribution. */
const normalQuantile = 1.959963984540054;
const splits: readonly (Split | null)[] = ['train', 'held_out', 'gap', null];

/**
 * Puts the records of several runs side by side, layer by layer: layers are the same where they have the same name. Values compare only when they were
 * taken with the same n, width, views, seed, options and method (metrics.md); where they were not, both are shown and no difference is.
 * What a training recorded of its own batches is left out: its samples are others at every step.
 * @param runs the records of each run, at least two
 * @throws {RangeError} when there are fewer than two runs
 */
export function compareRuns(runs: readonly (readonly MeasurementRecord[])[], { at = 'common' }: Partial<CompareOptions> = {}): RunComparison {
  if (runs.length < 2) throw new RangeError(`A comparison needs two runs, not ${String(runs.length)}`);
  const ofFiles = runs.map((records) => records.filter((record) => !isOfTraining(record)));
  const features = compareSubject(ofFiles.map((records) => records.filter(({ split }) => split !== null)), at);
  const weights = compareSubject(ofFiles.map((records) => records.filter(({ split }) => split === null)), at);
  return { features: features.moment, weights: weights.moment, rows: [...features.rows, ...weights.rows] };
}

function compareSubject(runs: readonly (readonly MeasurementRecord[])[], at: WhereToCompare): { moment: Moment | null; rows: ComparisonRow[] } {
  const moment = chooseMoment(runs, at);
  if (moment === null) return { moment, rows: [] };
  const rows = new Map<string, MeasurementRecord[]>();
  for (const [run, records] of runs.entries()) {
    for (const record of momentRecords(records, moment)) {
      const key = JSON.stringify([record.metric, record.layer, record.split]);
      const row = rows.get(key) ?? [];
      row[run] = record;
      rows.set(key, row);
    }
  }
  const metrics = new Map<string, number>();
  for (const { metric } of runs.flat()) if (!metrics.has(metric)) metrics.set(metric, metrics.size);
  const place = ({ metric, layer, layerIndex, split }: ComparisonRow) => [metrics.get(metric) ?? 0, layerIndex, layer, splits.indexOf(split)] as const;
  return { moment, rows: [...rows.values()].map((row) => toRow(runs.map((_, run) => row[run] ?? null))).sort((a, b) => compareLists(place(a), place(b))) };
}

function toRow(values: readonly (MeasurementRecord | null)[]): ComparisonRow {
  const some = values.find((value) => value !== null);
  if (some === undefined) throw new Error('A row without a record');
  const { metric, split, layer, layerIndex } = some;
  const [first = null, ...others] = values;
  return { metric, split, layer, layerIndex, values, differences: others.map((other) => differenceOf(first, other)) };
}

function differenceOf(first: MeasurementRecord | null, other: MeasurementRecord | null): RunDifference {
  const obstacles = obstaclesBetween(first, other);
  if (obstacles.length > 0 || first?.value == null || other?.value == null) return { value: null, standardError: null, low: null, high: null, obstacles };
  const value = other.value - first.value;
  const errors = [first, other].map(({ uncertainty }) => uncertainty?.standardError ?? NaN);
  const standardError = Math.hypot(...errors);
  if (!Number.isFinite(standardError)) return { value, standardError: null, low: null, high: null, obstacles };
  const reach = normalQuantile * standardError;
  return { value, standardError, low: value - reach, high: value + reach, obstacles };
}

function compareLists(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [place, left] of a.entries()) {
    const right = b[place] ?? left;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
