import type { MeasurementRecord, MetricInfo } from '../../../src/protocol';

/**
 * What a training recorded of its own batches is offered as a measure of its own: it is taken on other and more rows than a probe, at other
 * moments, so that in one chart with a probe's values every line would break at every point.
 */
const suffix = '@training';

/** Under which id the records of a training are kept and chosen. */
export function idOfTraining(metric: string): string {
  return metric + suffix;
}

export function isOfTrainingId(id: string): boolean {
  return id.endsWith(suffix);
}

const made = new WeakMap<MetricInfo, MetricInfo>();

/** What is said of a metric whose values the training recorded; the same object for the same metric. */
export function metricOfTraining(metric: MetricInfo): MetricInfo {
  let ofTraining = made.get(metric);
  if (ofTraining === undefined) made.set(metric, (ofTraining = describeOfTraining(metric)));
  return ofTraining;
}

function describeOfTraining(metric: MetricInfo): MetricInfo {
  return { ...metric, id: idOfTraining(metric.id), title: `${metric.title} (recorded in training)`, summary: `${metric.summary} Recorded by the training itself, on its own batches.` };
}

/** All of these records have one source; to be placed each moment needs its own. */
export function withMoments(records: readonly MeasurementRecord[]): readonly MeasurementRecord[] {
  return records.map((record) => ({ ...record, source: `${record.source} ${String(record.epoch)} ${String(record.step)}` }));
}
