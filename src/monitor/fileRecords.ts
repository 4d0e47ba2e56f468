import { FormatError } from '../formats';
import type { LayerMeasurement } from '../metrics';
import { featureCatalog, methodOfMetric, metricsNamed, weightCatalog } from '../metrics';
import type { FileProblem, MeasurementRecord } from '../protocol';
import type { MethodOf } from './plan';
import type { InspectedTensors } from './tensorWatch';

/** A probe or checkpoint file of a run. */
export interface MeasuredFile {
  /** Name of the run. */
  readonly run: string;
  /** Relative to the run's folder. */
  readonly path: string;
  readonly content: InspectedTensors;
}

/** Every metric of features, and every one of weights, in the order of the catalog. */
const featureMetrics: readonly string[] = featureCatalog.map(({ id }) => id).filter((id) => methodOfMetric(id) !== null);
const weightMetrics: readonly string[] = weightCatalog.map(({ id }) => id).filter((id) => methodOfMetric(id) !== null);

/** Every metric that can be measured, in the order of the catalog. */
export const measuredMetrics: readonly string[] = [...featureMetrics, ...weightMetrics];

/** Those that can be measured of a probe, or of a checkpoint. */
export function metricsOf(kind: 'probe' | 'checkpoint'): readonly string[] {
  return kind === 'probe' ? featureMetrics : weightMetrics;
}

/** The metrics meant by a list of ids and names of groups; what is neither means none. */
export function chooseMetrics(names: readonly string[]): readonly string[] {
  const chosen = new Set(names.flatMap((name) => metricsNamed(name).map(({ id }) => id)));
  return measuredMetrics.filter((id) => chosen.has(id));
}

/** The current `method` of a metric, or null when no family computes it. */
export const methodOf: MethodOf = methodOfMetric;

/** Completes measurements with what only the run knows. */
export function toRecords({ run, path, content }: MeasuredFile, measurements: readonly LayerMeasurement[]): MeasurementRecord[] {
  const { fingerprint, epoch, step } = content;
  return measurements.map((measurement) => ({ run, source: path, sourceVersion: fingerprint, epoch, step, ...measurement }));
}

/** Records belong to a content; shown they carry the run, the file and the place in training that hold it now. */
export function relabel({ run, path, content: { epoch, step } }: MeasuredFile, records: readonly MeasurementRecord[]): MeasurementRecord[] {
  return records.map((record) => ({ ...record, run, source: path, epoch, step }));
}

/** What the training wrote names the run's folder; shown it carries the name of the run. */
export function relabelTraining(run: string, records: readonly MeasurementRecord[]): MeasurementRecord[] {
  return records.map((record) => ({ ...record, run }));
}

/** What went wrong with one layer, as a problem of its file. */
export function toProblem(path: string, layer: string, error: unknown): FileProblem {
  const place = `layer ${layer}`;
  if (error instanceof FormatError) return { file: path, place: error.place === '' ? place : error.place, reason: error.reason, severity: 'error' };
  return { file: path, place, reason: error instanceof Error ? error.message : String(error), severity: 'error' };
}
