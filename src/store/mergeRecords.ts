import type { MeasurementRecord } from '../protocol';
import { recordKey } from './recordKey';

/** One list of several (the shards of a measurement, for example): one record a key, the later one counts, in order of first appearance. */
export function mergeRecords(...lists: readonly (readonly MeasurementRecord[])[]): MeasurementRecord[] {
  const merged = new Map<string, MeasurementRecord>();
  for (const list of lists) {
    for (const record of list) merged.set(recordKey(record), record);
  }
  return [...merged.values()];
}
