import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnosis';
import type { Finding, MeasurementRecord } from '../../../src/protocol';
import { makeRecord, type RecordParts } from './simulatedRun';

const epochs = [0, 8, 16, 32, 64];

interface Scene {
  readonly layers?: number;
  readonly metrics?: readonly string[];
  readonly epochs?: readonly (number | null)[];
  readonly gap?: (layer: number, epoch: number, metric: string) => number | null;
  readonly standardError?: number;
  readonly heldOut?: number;
  readonly rows?: number;
  readonly heldOutRows?: number;
  readonly parts?: (layer: number, epoch: number) => RecordParts;
}

/** The deepest of six layers goes from 0 to 1 at epoch 32, twenty times its noise. */
const memorizes = (layer: number, epoch: number): number => (layer === 5 && epoch >= 32 ? 1 : 0);

function scene({
  layers = 6, metrics = ['coding_rate_reduction'], epochs: at = epochs, gap = memorizes, standardError = 0.05, heldOut = 5, rows = 1024,
  heldOutRows = rows / 2, parts = () => ({}),
}: Scene): MeasurementRecord[] {
  return metrics.flatMap((metric) =>
    at.flatMap((epoch) =>
      Array.from({ length: layers }, (_, layerIndex) => {
        const place = { metric, epoch, layerIndex, n: rows, ...parts(layerIndex, epoch ?? 0) };
        return [
          makeRecord({ ...place, split: 'gap', value: gap(layerIndex, epoch ?? 0, metric), standardError }),
          makeRecord({ ...place, split: 'held_out', value: heldOut, n: heldOutRows }),
        ];
      }).flat(),
    ),
  );
}

function withoutUncertainty(record: MeasurementRecord): MeasurementRecord {
  const copy: { uncertainty?: unknown } & MeasurementRecord = { ...record };
  delete copy.uncertainty;
  return copy;
}

function only(records: readonly MeasurementRecord[]): Finding {
  const findings = diagnose(records);
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

describe('late-layer overfitting', () => {
  it('says which layer memorizes, since when, and what to do', () => {
    const finding = only(scene({}));
    expect(finding).toMatchObject({
      id: 'late_layer_overfitting:simulated',
      rule: 'late_layer_overfitting',
      severity: 'watch',
      title: 'Layer block5 memorizes since epoch 32',
      layers: ['block5'],
      metrics: ['coding_rate_reduction'],
      onset: { axis: 'epoch', at: 32, low: 16, high: 32 },
    });
    expect(finding.explanation).toContain('the coding rate reduction gap of block5 went from 0 at epoch 0 to 1 nats at epoch 64');
    expect(finding.explanation).toContain('The first 2 layers (block0 to block1) are the reference');
    expect(finding.advice[0]).toContain('epoch 16');
  });

  it('rests on the records that decided', () => {
    const { evidence } = only(scene({}));
    expect(evidence.map(({ layer, epoch, split }) => [layer, epoch, split])).toEqual([
      ['block5', 0, 'gap'], ['block5', 16, 'gap'], ['block5', 32, 'gap'], ['block5', 64, 'gap'], ['block0', 64, 'gap'],
    ]);
  });

  it('tells all late layers and metrics, and asks to act when metrics agree', () => {
    const gap = (layer: number, epoch: number, metric: string): number => {
      if (layer === 5) return epoch >= 32 ? (metric === 'alignment' ? 0.9 : 1) : 0;
      return layer === 4 && epoch >= 64 - 32 && metric === 'alignment' ? 0.8 : 0;
    };
    const finding = only(scene({ gap, metrics: ['alignment', 'coding_rate_reduction', 'random_label_transfer'] }));
    expect(finding).toMatchObject({ severity: 'act', title: 'Late layers memorize since epoch 32', layers: ['block4', 'block5'] });
    expect(finding.metrics).toEqual(['coding_rate_reduction', 'random_label_transfer', 'alignment']);
  });

  it('rests on alignment alone when the parts differ in size', () => {
    const metrics = ['alignment', 'coding_rate_reduction', 'random_label_transfer'];
    expect(only(scene({ heldOutRows: 256, metrics })).metrics).toEqual(['alignment']);
  });

  it('does not depend on the order of the records', () => {
    const records = scene({ metrics: ['alignment', 'coding_rate_reduction'] });
    expect(diagnose([...records].reverse())).toEqual(diagnose(records));
  });

  it('tells runs apart and shows the worst first', () => {
    const mild = scene({ parts: () => ({ run: 'a' }) });
    const bad = scene({ parts: () => ({ run: 'b' }), metrics: ['alignment', 'coding_rate_reduction'] });
    expect(diagnose([...mild, ...bad]).map(({ id, severity }) => [id, severity])).toEqual([
      ['late_layer_overfitting:b', 'act'], ['late_layer_overfitting:a', 'watch'],
    ]);
  });

  it('counts by step where checkpoints have no epoch of their own', () => {
    const at = scene({}).map((record) => ({ ...record, step: (record.epoch ?? 0) * 10, epoch: null }));
    expect(only(at).onset).toEqual({ axis: 'step', at: 320, low: 160, high: 320 });
    const sameEpoch = scene({}).map((record) => ({ ...record, step: (record.epoch ?? 0) * 10, epoch: 0 }));
    expect(only(sameEpoch).onset.axis).toBe('step');
  });

  it('says so when the first checkpoint is of a trained network, and does not count what was there before', () => {
    const finding = only(scene({ epochs: [8, 16, 32, 64], gap: (layer, epoch) => (layer === 5 ? (epoch >= 32 ? 1 : 0.4) : 0) }));
    expect(finding.explanation).toContain('The first checkpoint (epoch 8) is of a network that was trained already');
    expect(diagnose(scene({ epochs: [32, 64, 96] }))).toEqual([]);
    expect(only(scene({})).explanation).not.toContain('trained already');
  });

  it('bounds the onset from below by the last checkpoint at which growth was within noise', () => {
    const gap = (layer: number, epoch: number): number => (layer === 5 ? ({ 16: 0.2, 32: 1, 64: 1 }[epoch] ?? 0) : 0);
    // At epoch 16 the growth is 2.8 times its noise: visible, and not established.
    expect(only(scene({ gap })).onset).toEqual({ axis: 'epoch', at: 32, low: 8, high: 32 });
  });
});

describe('late-layer overfitting stays silent', () => {
  const silent = (name: string, records: () => readonly MeasurementRecord[]): void =>
    it(name, () => {
      expect(diagnose(records())).toEqual([]);
    });

  silent('without records', () => []);
  silent('with a single checkpoint', () => scene({ epochs: [64], gap: (layer) => (layer === 5 ? 1 : 0) }));
  silent('with two checkpoints, of which only one can show growth', () => scene({ epochs: [0, 64] }));
  silent('when only the last checkpoint shows growth', () => scene({ gap: (layer, epoch) => (layer === 5 && epoch === 64 ? 1 : 0) }));
  silent('when growth has gone again', () => scene({ gap: (layer, epoch) => (layer === 5 && epoch >= 8 && epoch < 64 ? 1 : 0) }));
  silent('when the gap is within its noise', () => scene({ standardError: 0.5 }));
  silent('when the gap is beyond its noise from the start and its growth is not', () =>
    scene({ gap: (layer, epoch) => (layer === 5 ? 0.6 + 0.4 * memorizes(5, epoch) : 0), standardError: 0.2 }));
  silent('when growth is certain and too small to matter', () => scene({ gap: (layer, epoch) => memorizes(layer, epoch) * 0.2, standardError: 1e-4 }));
  silent('when a negative gap only returns to zero', () => scene({ gap: (layer, epoch) => (layer === 5 && epoch < 32 ? -1 : 0) }));
  silent('when middle layers grow', () => scene({ gap: (layer, epoch) => memorizes(layer + 2, epoch) }));
  silent('when early layers grow as much', () => scene({ gap: (layer, epoch) => memorizes(layer === 0 ? 5 : layer, epoch) }));
  silent('with fewer than three layers', () => scene({ layers: 2, gap: (layer, epoch) => memorizes(layer + 4, epoch) }));
  silent('with fewer than 32 samples', () => scene({ rows: 240 }));
  silent('when the held-out part is smaller, so that part of the gap is size', () => scene({ heldOutRows: 256 }));
  silent('without standard errors', () => scene({}).map(withoutUncertainty));
  silent('with null values', () => scene({ gap: () => null }));
  silent('with values that are no numbers', () => scene({ gap: () => NaN, standardError: NaN }));
  silent('without noise at all, which no sample gives', () => scene({ standardError: 0 }));
  silent('when early layers have no values to compare with', () => scene({ gap: (layer, epoch) => (layer < 2 ? null : memorizes(layer, epoch)) }));
  silent('with metrics that it does not watch', () => scene({ metrics: ['rankme', 'coding_rate'] }));
  silent('when checkpoints have neither epoch nor step', () => scene({}).map((record) => ({ ...record, epoch: null, step: null })));
  silent('when options change just where values do', () =>
    scene({ parts: (_, epoch) => ({ options: { eps2: epoch >= 32 ? 0.1 : 0.5 } }) }));
  silent('when the definition changes just where values do', () => scene({ parts: (_, epoch) => ({ method: epoch >= 32 ? 2 : 1 }) }));
  silent('when the width of the layer changes just where values do', () => scene({ parts: (_, epoch) => ({ d: epoch >= 32 ? 64 : 32 }) }));
  silent('when another probe begins just where values change', () =>
    scene({ parts: (_, epoch) => ({ source: `${epoch >= 32 ? 'probe2' : 'probe1'}/epoch=${String(epoch)}.npz` }) }));
});

describe('late-layer overfitting with gaps in what was measured', () => {
  it('goes on over missing checkpoints, null values and checkpoints without the early layers', () => {
    const gap = (layer: number, epoch: number): number | null => {
      if (epoch === 8 && layer === 5) return null;
      if (epoch === 16 && layer < 2) return null;
      return memorizes(layer, epoch);
    };
    expect(only(scene({ gap })).onset).toEqual({ axis: 'epoch', at: 32, low: 0, high: 32 });
  });

  it('takes the probe with the most checkpoints when there are several', () => {
    const other = scene({ epochs: [0, 64], gap: () => 0, parts: (_, epoch) => ({ source: `other/epoch=${String(epoch)}.npz` }) });
    expect(only([...scene({}), ...other]).onset.at).toBe(32);
  });

  it('follows a probe through folders of checkpoints', () => {
    const records = scene({ parts: (_, epoch) => ({ source: `checkpoint-${String(epoch)}/probe.safetensors` }) });
    expect(only(records).onset.at).toBe(32);
  });

  it('takes the newest definition of a metric', () => {
    const old = scene({ gap: () => 0 });
    expect(only([...scene({ parts: () => ({ method: 2 }) }), ...old]).evidence.every(({ method }) => method === 2)).toBe(true);
  });

  it('refuses a false-alarm level that is no probability', () => {
    for (const falseAlarmLevel of [0, 1, -0.1, NaN]) expect(() => diagnose([], { falseAlarmLevel })).toThrow(RangeError);
  });
});
