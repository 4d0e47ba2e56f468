import { describe, expect, it } from 'vitest';
import { compareRuns } from '../../../src/diagnosis';
import { type MeasurementRecord, trainingSource } from '../../../src/protocol';

function record(change: Partial<MeasurementRecord> = {}): MeasurementRecord {
  return {
    run: 'run', source: 'probes/epoch=8.safetensors', sourceVersion: 'a', epoch: 8, step: null, layer: 'block0', layerIndex: 0, metric: 'alignment', split: 'gap',
    value: 1, n: 256, d: 64, views: 8, seed: null, options: {}, warnings: [], method: 1, ...change,
  };
}

const withError = (value: number, standardError: number): MeasurementRecord =>
  record({ value, uncertainty: { standardError, low: value - 2 * standardError, high: value + 2 * standardError, replicates: 200 } });

const differencesOf = (first: MeasurementRecord, other: MeasurementRecord) => compareRuns([[first], [other]]).rows[0]?.differences;

describe('Comparing runs', () => {
  it('subtracts the first run from each other one, with the interval of two independent errors', () => {
    const { rows, features, weights } = compareRuns([[withError(1, 0.3)], [withError(3, 0.4)], [withError(0.5, 0)]]);
    expect([features, weights]).toEqual([{ axis: 'epoch', at: 8 }, null]);
    expect(rows).toHaveLength(1);
    // sqrt(0.3^2 + 0.4^2) = 0.5, times 1.959963984540054.
    const [second, third] = rows[0]!.differences;
    expect(second).toEqual({ value: 2, standardError: 0.5, low: 2 - 0.979981992270027, high: 2 + 0.979981992270027, obstacles: [] });
    expect(third?.value).toBe(-0.5);
    expect(third?.high).toBeCloseTo(-0.5 + 0.3 * 1.959963984540054, 14);
  });

  it('gives a difference without an interval where one of the two has no standard error', () => {
    expect(differencesOf(record({ value: 1 }), withError(2, 0.1))).toEqual([{ value: 1, standardError: null, low: null, high: null, obstacles: [] }]);
  });

  it.each([
    ['n', { n: 128 }, 'n is 256 and 128'],
    ['width', { d: 32 }, 'width is 64 and 32'],
    ['views', { views: 2 }, 'views is 8 and 2'],
    ['seed', { seed: 3 }, 'seed is none and 3'],
    ['method', { method: 2 }, 'version of the definition is 1 and 2'],
    ['options', { options: { eps2: 0.1 } }, 'eps2 is none and 0.1'],
  ] as const)('gives no difference, but a reason, where the values were taken with another %s', (_, change, reason) => {
    expect(differencesOf(record(), record({ ...change, value: 2 }))).toEqual([{ value: null, standardError: null, low: null, high: null, obstacles: [reason] }]);
  });

  it('does not mind that each run has a checkpoint of its own to measure drift from', () => {
    expect(differencesOf(record({ options: { since: 'abc' } }), record({ options: { since: 'def' }, value: 4 }))?.[0]?.value).toBe(3);
  });

  it('keeps why a value could not be taken, and says where one was not measured at all', () => {
    expect(differencesOf(record(), record({ value: null, warnings: ['There is only one view.'] }))?.[0]?.obstacles).toEqual(['There is only one view.']);
    const { rows } = compareRuns([[record()], [record({ layer: 'block1', layerIndex: 1 })]]);
    expect(rows.map(({ layer, values }) => [layer, values.map((value) => value !== null)])).toEqual([['block0', [true, false]], ['block1', [false, true]]]);
    expect(rows.flatMap(({ differences }) => differences.map(({ obstacles }) => obstacles))).toEqual([['not measured in both'], ['not measured in both']]);
  });

  const at = (axis: 'epoch' | 'step', ...positions: number[]): MeasurementRecord[] =>
    positions.map((position) => record({ epoch: null, step: null, [axis]: position, source: `probes/${String(position)}`, value: position }));
  const valuesOf = (runs: readonly (readonly MeasurementRecord[])[], options?: Parameters<typeof compareRuns>[1]) => compareRuns(runs, options).rows.map(({ values }) => values.map((value) => value?.value));

  it('compares at the latest epoch that all have, else at the latest step, else at the last of each', () => {
    expect(valuesOf([at('epoch', 0, 10, 20, 30), at('epoch', 30, 20, 0, 25).slice(1), at('epoch', 10, 20)])).toEqual([[20, 20, 20]]);
    expect(compareRuns([at('step', 100, 200), at('step', 50, 100)]).features).toEqual({ axis: 'step', at: 100 });
    const apart = compareRuns([at('epoch', 1, 2), at('step', 300, 100)]);
    expect(apart.features).toEqual({ axis: null, at: null });
    expect(apart.rows[0]?.values.map((value) => value?.value)).toEqual([2, 300]);
  });

  it('compares where it is told to', () => {
    const runs = [at('epoch', 0, 10, 20), at('epoch', 0, 10)];
    expect(valuesOf(runs, { at: 'last' })).toEqual([[20, 10]]);
    expect(valuesOf(runs, { at: 0 })).toEqual([[0, 0]]);
    expect(valuesOf(runs, { at: 20 })).toEqual([[20, undefined]]);
    expect(valuesOf(runs, { at: 7 })).toEqual([]);
  });

  it('takes the latest step of an epoch that has several files', () => {
    const early = record({ step: 90, source: 'probes/a', value: 5 });
    expect(valuesOf([[record({ step: 100, source: 'probes/b', value: 7 }), early], [record()]])).toEqual([[7, 1]]);
  });

  it('chooses the moment of weights apart from that of features, and leaves out what a training recorded of its batches', () => {
    const weight = (epoch: number) => record({ split: null, metric: 'ww_alpha', epoch });
    const batches = record({ source: trainingSource, sourceVersion: '', epoch: 900 });
    const { features, weights, rows } = compareRuns([[record(), weight(4), weight(6), batches], [record(), weight(4), batches]]);
    expect([features?.at, weights?.at]).toEqual([8, 4]);
    expect(rows.map(({ metric }) => metric)).toEqual(['alignment', 'ww_alpha']);
  });

  it('orders rows by metric, depth and part, whatever order the records come in', () => {
    const records = ['gap', 'train', 'held_out'].flatMap((split) => [2, 0, 1].flatMap((layerIndex) => ['rankme', 'alignment'].map((metric) => record({ split: split as 'gap', layerIndex, layer: `block${String(layerIndex)}`, metric }))));
    const { rows } = compareRuns([records, [...records].reverse()]);
    expect(rows.slice(0, 4).map(({ metric, layer, split }) => [metric, layer, split])).toEqual([
      ['rankme', 'block0', 'train'], ['rankme', 'block0', 'held_out'], ['rankme', 'block0', 'gap'], ['rankme', 'block1', 'train'],
    ]);
    expect(rows).toHaveLength(18);
    expect(rows.every(({ differences }) => differences[0]?.value === 0)).toBe(true);
  });

  it('needs two runs, and says nothing of runs without records', () => {
    expect(() => compareRuns([[record()]])).toThrow('A comparison needs two runs, not 1');
    expect(compareRuns([[], []])).toEqual({ features: null, weights: null, rows: [] });
  });
});
