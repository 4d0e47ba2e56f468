import type { Finding, MeasurementRecord, RunDetail, RunSummary } from '../../../src/protocol';
import type { Block } from '../../../src/report/blocks';
import type { ReportedRun } from '../../../src/report';

/** A gap of coding rate reduction by hand; only what a test is about need be said. */
export function record(change: Partial<MeasurementRecord> = {}): MeasurementRecord {
  const epoch = change.epoch === undefined ? 1 : change.epoch;
  return {
    run: 'run', source: `probes/epoch=${String(epoch)}.npz`, sourceVersion: 'sha1:one', epoch, step: null, layer: 'block0', layerIndex: 0, metric: 'coding_rate_reduction', split: 'gap',
    value: 0.25, n: 64, d: 8, views: 8, seed: null, options: { eps2: 0.5 }, warnings: [], method: 1, uncertainty: { standardError: 0.05, low: 0.15, high: 0.35, replicates: 200 }, ...change,
  };
}

export function finding(change: Partial<Finding> = {}): Finding {
  return {
    id: 'late_layer_overfitting:run', rule: 'late_layer_overfitting', severity: 'act', title: 'Late layers memorize since epoch 3', explanation: 'The gap grew. It is beyond noise.',
    advice: ['Stop sooner.'], layers: ['block0'], metrics: ['coding_rate_reduction'], onset: { axis: 'epoch', at: 3, low: 2, high: 3 }, evidence: [record({ epoch: 3 })], ...change,
  };
}

export function summary(change: Partial<RunSummary> = {}): RunSummary {
  return { id: '1', name: 'run', folder: '/home/somebody/runs/run', epoch: 3, step: null, modified: 0, files: [], problems: [], findings: [], health: 'unknown', ...change };
}

export function detail(records: readonly MeasurementRecord[], change: Partial<RunSummary> = {}): RunDetail {
  return { run: summary(change), layers: [...new Set(records.map(({ layer }) => layer))], weightLayers: [], records, series: [] };
}

export function reported(records: readonly MeasurementRecord[], change: Partial<RunSummary> = {}): ReportedRun {
  return { detail: detail(records, change), engine: { name: 'onnxruntime', version: '1.30.0' } };
}

/** Every block of a tree, outer ones first. */
export function allBlocks(blocks: readonly Block[]): readonly Block[] {
  return blocks.flatMap((block) => [block, ...('blocks' in block ? allBlocks(block.blocks) : [])]);
}

/** Names that others could give to a layer, a file or a tag. */
export const hostileNames = [
  'a|b', 'a\\|b', '`code`', '<img src=x onerror=alert(1)>', '</script><script>alert(1)</script>', '[x](http://evil.test)', '![x](http://evil.test/a.png)', '@octocat', '#12', 'GH-12',
  'http://evil.test', 'www.evil.test', 'me@evil.test', 'a\n\n# heading', '$x$', '**b**', '_i_', '&lt;b&gt;', '- item', '1. item', '> quote', '<!-- c', '</details>', '', ' ', '\\', '"quoted"', "'", '\u202egnp',
];
