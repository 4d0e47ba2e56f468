import { FormatError } from '../formats';
import type { LayerMeasurement } from '../metrics';
import { featureCatalog, metricFamilies, weightCatalog, weightFamilies } from '../metrics';
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

const methods = new Map([...metricFamilies, ...weightFamilies].flatMap(({ metrics, method }) => metrics.map((metric) => [metric, method] as const)));

/** Every metric of features, and every one of weights, in the order of the catalog. */
const featureMetrics: readonly string[] = featureCatalog.map(({ id }) => id).filter((id) => methods.has(id));
const weightMetrics: readonly string[] = weightCatalog.map(({ id }) => id).filter((id) => methods.has(id));

/** Every metric that can be measured, in the order of the catalog. */
export const measuredMetrics: readonly string[] = [...featureMetrics, ...weightMetrics];

/** Those that can be measured of a probe, or of a checkpoint. */
export function metricsOf(kind: 'probe' | 'checkpoint'): readonly string[] {
  return kind === 'probe' ? featureMetrics : weightMetrics;
}

/** The current `method` of a metric, or null when no family computes it. */
export const methodOf: MethodOf = (metric) => methods.get(metric) ?? null;

/** Completes measurements with what only the run knows. */
export function toRecords({ run, path, content }: MeasuredFile, measurements: readonly LayerMeasurement[]): MeasurementRecord[] {
  const { fingerprint, epoch, step } = content;
  return measurements.map((measurement) => ({ run, source: path, sourceVersion: fingerprint, epoch, step, ...measurement }));
}

/** Records belong to a content; shown they carry the run, the file and the place in training that hold it now. */
export function relabel({ run, path, content: { epoch, step } }: MeasuredFile, records: readonly MeasurementRecord[]): MeasurementRecord[] {
  return records.map((record) => ({ ...record, run, source: path, epoch, step }));
}

/** What went wrong with one layer, as a problem of its file. */
export function toProblem(path: string, layer: string, error: unknown): FileProblem {
  const place = `layer ${layer}`;
  if (error instanceof FormatError) return { file: path, place: error.place === '' ? place : error.place, reason: error.reason, severity: 'error' };
  return { file: path, place, reason: error instanceof Error ? error.message : String(error), severity: 'error' };
}
