import type { MeasureOptions } from '../metrics';
import type { MeasurementRecord } from '../protocol';
import type { LayerTask } from './layerMeasurer';

/** The current `method` of a metric, or null when no family computes it. */
export type MethodOf = (metric: string) => number | null;

/** What has to be there of one probe, and what is. */
export interface ProbePlan {
  /** Absolute path. */
  readonly file: string;
  /** Shallow to deep. */
  readonly layers: readonly string[];
  readonly metrics: readonly string[];
  readonly options: MeasureOptions;
  readonly methodOf: MethodOf;
  /** Every stored record of the probe's content. */
  readonly records: readonly MeasurementRecord[];
  /** Which layers; all when left out. */
  readonly acceptLayer?: (layer: string) => boolean;
  /** Measure also what is stored. */
  readonly again?: boolean;
}

/**
 * Whether a record is what measuring now would give: taken with today's definition of the metric and with these options.
 * A record names only the options that its metric depends on, and no seed where nothing is random; the others do not matter.
 */
export function isCurrent(record: MeasurementRecord, options: MeasureOptions, methodOf: MethodOf): boolean {
  if (record.method !== methodOf(record.metric)) return false;
  if (record.seed !== null && record.seed !== options.seed) return false;
  return Object.entries(options).every(([name, value]) => name === 'seed' || record.options[name] === undefined || record.options[name] === value);
}

/** The layers and metrics of a probe that have no current record: one task a layer, shallow to deep. Empty when all is measured. */
export function planProbe(plan: ProbePlan): LayerTask[] {
  const measured = new Set<string>();
  if (plan.again !== true) {
    for (const record of plan.records) {
      if (isCurrent(record, plan.options, plan.methodOf)) measured.add(`${record.metric}\n${record.layer}`);
    }
  }
  return plan.layers
    .filter((layer) => plan.acceptLayer?.(layer) ?? true)
    .map((layer) => ({
      file: plan.file,
      layer,
      metrics: plan.metrics.filter((metric) => !measured.has(`${metric}\n${layer}`)),
      options: plan.options,
    }))
    .filter((task) => task.metrics.length > 0);
}
