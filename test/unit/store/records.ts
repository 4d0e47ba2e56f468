import type { MeasurementRecord } from '../../../src/protocol';

/** A complete record; only what a test is about need be said. */
export function record(change: Partial<MeasurementRecord> = {}): MeasurementRecord {
  return {
    run: 'run', source: 'probes/epoch=0001.safetensors', sourceVersion: 'sha256:one', epoch: 1, step: null, layer: 'block0', layerIndex: 0,
    metric: 'rankme', split: 'train', value: 12.5, n: 64, d: 8, views: 8, seed: null, options: {}, warnings: [], method: 1, ...change,
  };
}
