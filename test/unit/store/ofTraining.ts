import type { MeasurementRecord } from '../../../src/protocol';
import { record } from './records';

/** What the companion's `append_records` writes of the training's own batches. */
export function ofTraining(epoch: number, change: Partial<MeasurementRecord> = {}): MeasurementRecord {
  return record({
    source: 'training', sourceVersion: '', epoch, step: epoch * 100, metric: 'coding_rate_reduction', n: 100_000,
    options: { eps2: 0.5, normalisation: 'l2', partition: 'views' }, ...change,
  });
}
