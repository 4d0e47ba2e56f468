import type { Finding, MeasurementRecord, RunDelta, RunDetail, RunFile, RunSummary, ScalarSeries } from '../../../src/protocol';

export function aRun(id: string, change: Partial<RunSummary> = {}): RunSummary {
  return {
    id, name: id, folder: `/runs/${id}`, epoch: 4, step: null, modified: 1000, files: [], problems: [], findings: [], health: 'unknown', ...change,
  };
}

export function aFile(path: string, change: Partial<RunFile> = {}): RunFile {
  return { kind: 'probe', path, format: 'safetensors', bytes: 10, modified: 1000, epoch: 4, step: null, state: 'measured', ...change };
}

export function aFinding(id: string, change: Partial<Finding> = {}): Finding {
  return {
    id, rule: 'late-layer-overfitting', severity: 'act', title: 'Late layers memorize since epoch 96', explanation: 'The gap grew.',
    advice: ['Stop earlier.'], layers: ['block5', 'projector'], metrics: ['coding_rate_reduction'],
    onset: { axis: 'epoch', at: 96, low: 64, high: 128 }, evidence: [], ...change,
  };
}

export function aRecord(change: Partial<MeasurementRecord> = {}): MeasurementRecord {
  return {
    run: 'r', source: 'probes/epoch=0004.safetensors', sourceVersion: 'v1', epoch: 4, step: null, layer: 'block0', layerIndex: 0,
    metric: 'coding_rate', split: 'train', value: 1.5, n: 100, d: 8, views: 16, seed: null, options: { eps2: 0.5 }, warnings: [], method: 1, ...change,
  };
}

export function aSeries(tag: string, values: readonly (number | null)[], change: Partial<ScalarSeries> = {}): ScalarSeries {
  const steps = values.map((_, index) => index);
  return { tag, source: 'log.txt', epochs: steps, steps, values, nonFinite: 0, ...change };
}

export function aDetail(run: RunSummary, change: Partial<RunDetail> = {}): RunDetail {
  return { run, layers: ['block0'], records: [], series: [], ...change };
}

export function aDelta(run: RunSummary, change: Partial<RunDelta> = {}): RunDelta {
  return { runId: run.id, run, layers: ['block0'], voidedSources: [], records: [], voidedLogs: [], series: [], ...change };
}
