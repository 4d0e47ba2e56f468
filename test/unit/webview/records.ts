import type { MeasurementRecord, RunDetail, RunSummary, ScalarSeries } from '../../../src/protocol';

/** A record by hand: layer `block<layerIndex>` at an epoch. */
export function record(epoch: number, layerIndex: number, value: number | null, more: Partial<MeasurementRecord> = {}): MeasurementRecord {
  return {
    run: 'run',
    source: `probes/epoch=${epoch}.npz`,
    sourceVersion: '1',
    epoch,
    step: epoch * 10,
    layer: `block${layerIndex}`,
    layerIndex,
    metric: 'rankme',
    split: 'train',
    value,
    n: 100,
    d: 8,
    views: 16,
    seed: null,
    options: { eps2: 0.5 },
    warnings: [],
    method: 1,
    ...more,
  };
}

export function summary(more: Partial<RunSummary> = {}): RunSummary {
  return { id: 'run', name: 'run', folder: '/run', epoch: 4, step: 40, modified: 0, files: [], problems: [], findings: [], health: 'unknown', ...more };
}

export function series(tag: string, values: (number | null)[], more: Partial<ScalarSeries> = {}): ScalarSeries {
  return { tag, source: 'log.txt', epochs: values.map((_, i) => i), steps: values.map((_, i) => i * 10), values, nonFinite: 0, ...more };
}

export function detail(records: MeasurementRecord[], more: Partial<RunDetail> = {}): RunDetail {
  return { run: summary(), layers: [...new Set(records.map((one) => one.layer))], records, series: [], ...more };
}
