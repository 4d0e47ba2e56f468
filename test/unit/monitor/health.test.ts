import { describe, expect, it } from 'vitest';
import { judgeHealth, layersWithGaps } from '../../../src/monitor/health';
import type { Finding, MeasurementRecord } from '../../../src/protocol';
import { record } from '../store/records';

const finding = (severity: Finding['severity']): Finding => ({
  id: severity, rule: 'rule', severity, title: 'title', explanation: 'why', advice: ['do'], layers: ['block0'], metrics: ['rankme'],
  onset: { axis: 'epoch', at: 3, low: 2, high: 3 }, evidence: [record()],
});
const uncertainty = { standardError: 0.1, low: -0.2, high: 0.2, replicates: 200 };
const gaps = (layers: number, checkpoints: number): MeasurementRecord[] =>
  Array.from({ length: layers * checkpoints }, (_, i) =>
    record({ split: 'gap', value: 0.1, layer: `block${i % layers}`, source: `probe${Math.floor(i / layers)}`, uncertainty }));
const judge = (findings: readonly Finding[], records: readonly MeasurementRecord[], probes: { readonly measured: number; readonly all: number }) =>
  judgeHealth(findings, layersWithGaps(records).values(), probes);
const all = { measured: 3, all: 3 };

describe('the health of a run', () => {
  it('is that of the worst finding', () => {
    expect(judge([finding('watch'), finding('act')], [], all)).toBe('act');
    expect(judge([finding('watch')], gaps(3, 3), all)).toBe('watch');
  });

  it('is healthy only when enough layers and checkpoints were measured for a finding to show', () => {
    expect(judge([], gaps(3, 3), all)).toBe('healthy');
    expect(judge([], gaps(2, 3), all)).toBe('unknown');
    expect(judge([], gaps(3, 2), all)).toBe('unknown');
    expect(judge([], [], { measured: 0, all: 0 })).toBe('unknown');
  });

  it('is unknown while most probes are not measured yet', () => {
    expect(judge([], gaps(3, 3), { measured: 3, all: 7 })).toBe('unknown');
  });

  it('does not count gaps without a value or an uncertainty', () => {
    const bare = record({ split: 'gap', value: 0.1 });
    expect(judge([], gaps(3, 3).map((each) => ({ ...each, value: null })), all)).toBe('unknown');
    expect(judge([], gaps(3, 3).map(({ layer, source }) => ({ ...bare, layer, source })), all)).toBe('unknown');
  });
});
