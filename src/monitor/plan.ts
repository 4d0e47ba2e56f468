import { driftMetrics, metricCatalog, metricsOfPrevious } from '../metrics';
import type { MeasureOptions } from '../metrics';
import type { MeasurementRecord, MetricGroup, Split } from '../protocol';
import type { CheckpointReference, CheckpointReferences, FeatureTask, LayerTask, WeightTask } from './layerMeasurer';

/** The current `method` of a metric, or null when no family computes it. */
export type MethodOf = (metric: string) => number | null;

interface FilePlan {
  /** Absolute path. */
  readonly file: string;
  /** Shallow to deep. */
  readonly layers: readonly string[];
  readonly metrics: readonly string[];
  readonly methodOf: MethodOf;
  /** Every stored record of the file's content. */
  readonly records: readonly MeasurementRecord[];
  /** Which layers; all when left out. */
  readonly acceptLayer?: (layer: string) => boolean;
  /** Measure also what is stored. */
  readonly again?: boolean;
}

/** What has to be there of one probe, and what is. */
export interface ProbePlan extends FilePlan {
  readonly options: MeasureOptions;
  /** The nearest earlier probe, null when there is none; undefined while that is not known: what is measured against it has to wait then. */
  readonly previous: CheckpointReference | null | undefined;
}

/** The same of one checkpoint. */
export interface CheckpointPlan extends FilePlan {
  readonly references: CheckpointReferences;
}

/**
 * Whether a record is what measuring now would give: taken with today's definition of the metric, with these options and, where it is measured
 * against the nearest earlier probe, against the one that is the nearest now. A record names only the options that its metric depends on, and no
 * seed where nothing is random; the others do not matter.
 */
export function isCurrent(record: MeasurementRecord, options: MeasureOptions, previous: CheckpointReference | null | undefined, methodOf: MethodOf): boolean {
  if (record.method !== methodOf(record.metric)) return false;
  if (record.seed !== null && record.seed !== options.seed) return false;
  if (isOfPrevious(record.metric) && (previous === undefined || record.options['since'] !== (previous?.fingerprint ?? ''))) return false;
  return Object.entries(options).every(([name, value]) => name === 'seed' || record.options[name] === undefined || record.options[name] === value);
}

const withGap: ReadonlySet<string> = new Set(metricCatalog.filter(({ hasGap }) => hasGap).map(({ id }) => id));

function isOfPrevious(metric: string): boolean {
  return metricsOfPrevious.includes(metric);
}

/** The same for weights: a drift counts only against the checkpoint that is the previous or first one now. */
export function isCurrentOfWeights(record: MeasurementRecord, { previous, first }: CheckpointReferences, methodOf: MethodOf): boolean {
  if (record.method !== methodOf(record.metric)) return false;
  const [drift, driftFromFirst] = driftMetrics;
  if (record.metric === drift) return record.options['since'] === (previous?.fingerprint ?? '');
  if (record.metric === driftFromFirst) return record.options['since'] === (first?.fingerprint ?? '');
  return true;
}

/**
 * The layers and metrics of a probe that have no current record, or not of all parts that others are recorded of (a full disk cuts what is written
 * anywhere): one task a layer, shallow to deep. Empty when all is measured.
 */
export function planProbe(plan: ProbePlan): FeatureTask[] {
  const { file, options, previous, methodOf } = plan;
  const metrics = previous === undefined ? plan.metrics.filter((metric) => !isOfPrevious(metric)) : plan.metrics;
  const recorded = new Set(plan.records.map(({ split }) => split));
  // Of one part at least, so that nothing counts as measured without a record.
  const parts = (['train', 'held_out'] as const).filter((part) => recorded.has(part) || (part === 'train' && !recorded.has('held_out')));
  const withoutGap: readonly Split[] = parts;
  const all: readonly Split[] = recorded.has('gap') ? [...parts, 'gap'] : parts;
  const splitsOf = (metric: string): readonly Split[] => (withGap.has(metric) ? all : withoutGap);
  return missing({ ...plan, metrics }, splitsOf, (record) => isCurrent(record, options, previous, methodOf)).map((each) => ({
    kind: 'features', file, ...each, options, previous: each.metrics.some(isOfPrevious) ? (previous ?? null) : null,
  }));
}

/** The same of a checkpoint. */
export function planCheckpoint(plan: CheckpointPlan): WeightTask[] {
  const { file, references, methodOf } = plan;
  return missing(plan, () => [null], (record) => isCurrentOfWeights(record, references, methodOf)).map((each) => ({ kind: 'weights', file, ...each, references }));
}

/** What is measured first of all files, and what only then, because it takes longer than all the rest. */
export const turns = ['first', 'second'] as const;
export type Turn = (typeof turns)[number];

const dearGroups: ReadonlySet<MetricGroup> = new Set<MetricGroup>(['Clusters', 'Geometry', 'Labels']);
const dearMetrics = new Set(metricCatalog.filter(({ group }) => dearGroups.has(group)).map(({ id }) => id));

/** What of a task belongs to a turn; null when nothing does. */
export function inTurn(task: LayerTask, turn: Turn): LayerTask | null {
  const metrics = task.metrics.filter((metric) => dearMetrics.has(metric) === (turn === 'second'));
  if (metrics.length === 0) return null;
  if (task.kind === 'weights') return { ...task, metrics };
  return { ...task, metrics, previous: metrics.some(isOfPrevious) ? task.previous : null };
}

function missing(
  plan: FilePlan,
  splitsOf: (metric: string) => readonly (Split | null)[],
  current: (record: MeasurementRecord) => boolean,
): { readonly layer: string; readonly metrics: readonly string[] }[] {
  const measured = new Set<string>();
  const keyOf = (metric: string, split: Split | null, layer: string): string => `${metric}\n${String(split)}\n${layer}`;
  if (plan.again !== true) {
    for (const record of plan.records) {
      if (current(record)) measured.add(keyOf(record.metric, record.split, record.layer));
    }
  }
  const isMissing = (metric: string, layer: string): boolean => splitsOf(metric).some((split) => !measured.has(keyOf(metric, split, layer)));
  return plan.layers
    .filter((layer) => plan.acceptLayer?.(layer) ?? true)
    .map((layer) => ({ layer, metrics: plan.metrics.filter((metric) => isMissing(metric, layer)) }))
    .filter(({ metrics }) => metrics.length > 0);
}
