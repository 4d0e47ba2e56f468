import type { MeasurementRecord, OptionValue } from '../protocol';
import { isOfTraining } from '../protocol';

/** Options with their names in order, so that equal options have equal text. */
export function canonicalOptions(options: Readonly<Record<string, OptionValue>>): string {
  return JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/** What the measured content is known by: its fingerprint, of a training's own batches the moment, or the file's path where there is neither. */
export function contentKey(record: Pick<MeasurementRecord, 'source' | 'sourceVersion' | 'epoch' | 'step'>): string {
  if (isOfTraining(record)) return `training:${String(record.epoch)}:${String(record.step)}`;
  return record.sourceVersion === '' ? `path:${record.source}` : record.sourceVersion;
}

/**
 * Two records of one key are measurements of the same thing in the same way; the later one counts.
 * The key holds the content and not the path or the run's name, so that a copied or renamed file is not measured again.
 */
export function recordKey(record: MeasurementRecord): string {
  return JSON.stringify([
    contentKey(record), record.layer, record.metric, record.split, record.seed, record.method, canonicalOptions(record.options),
  ]);
}
