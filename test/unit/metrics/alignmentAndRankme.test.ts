import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { rankme } from '../../../src/metrics/spectrum/rankme';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

describe('alignment', () => {
  test('is the mean squared distance over pairs of views, by hand', async () => {
    // Directions: e1, e1, e2 (pairs 0, 2, 2) and e1, -e1 (pair 4): mean of 0, 2, 2, 4.
    const rows = [[2, 0], [5, 0], [0, 1], [1, 0], [-3, 0]];
    const layer = makeLayer({ train: 5, heldOut: 0, views: 1, d: 2 }, (sample) => rows[sample] as number[]);
    const grouped = { ...layer, sample: Int32Array.of(0, 0, 0, 1, 1), sampleIds: [4n, 5n], split: Uint8Array.of(0, 0), label: Int32Array.of(-1, -1) };
    expect(valueOf(await measure(engine, grouped, ['alignment']), 'alignment', 'train')).toBeCloseTo(2, 15);
  });

  test('of identical views is zero and keeps its digits for views that nearly agree', async () => {
    const shape = { train: 5, heldOut: 5, views: 4, d: 8 };
    const identical = makeLayer(shape, (sample) => Float64Array.from({ length: 8 }, (_, j) => Math.sin(1 + sample * 8 + j)));
    expect(valueOf(await measure(engine, identical, ['alignment']), 'alignment', 'train')).toBeLessThan(1e-30);
    const close = makeLayer({ ...shape, views: 2, d: 2 }, (_, view) => [1, view * 1e-9]);
    expect(valueOf(await measure(engine, close, ['alignment']), 'alignment', 'train') / 1e-18).toBeCloseTo(1, 6);
  });

  test('has a positive gap when views of training samples are closer together', async () => {
    const layer = clusteredLayer({ train: 200, heldOut: 200, views: 4, d: 16 }, 1, 1);
    const data = layer.features.data.slice();
    // Training views are pulled to their first view.
    for (let row = 0; row < 800; row++) {
      for (let j = 0; j < 16; j++) data[row * 16 + j] = 0.5 * (data[row * 16 + j] as number) + 0.5 * (data[(row - (row % 4)) * 16 + j] as number);
    }
    const gap = find(await measure(engine, withFeatures(layer, data), ['alignment']), 'alignment', 'gap');
    expect(gap.value).toBeGreaterThan(0.1);
    expect(gap.uncertainty?.low).toBeGreaterThan(0);
    expect(gap.warnings).toEqual([]);
    expect(gap.options).toEqual({ normalisation: 'l2', pairs: 'views' });
  });

  test('needs two views, and says how many samples have none to compare', async () => {
    const alone = clusteredLayer({ train: 5, heldOut: 0, views: 1, d: 3 }, 1, 1);
    expect(find(await measure(engine, alone, ['alignment']), 'alignment', 'train')).toMatchObject({
      value: null,
      warnings: ['No sample has two views, so there are no pairs.'],
    });
    const mixed = { ...alone, sample: Int32Array.of(0, 0, 1, 2, 3) };
    const record = find(await measure(engine, mixed, ['alignment']), 'alignment', 'train');
    expect(record.value).toBeGreaterThan(0);
    expect(record.warnings).toContain('2 of 4 samples have one view and take no part.'.replace('2 of 4', '3 of 4'));
  });

  test('is null with the number of rows and the first of them when some are not finite', async () => {
    const layer = clusteredLayer({ train: 4, heldOut: 4, views: 2, d: 3 }, 1, 1);
    layer.features.data[3 * 3 + 1] = NaN;
    layer.features.data[5 * 3] = -Infinity;
    const found = await measure(engine, layer);
    for (const metric of ['alignment', 'rankme', 'coding_rate', 'random_label_fit']) {
      expect(find(found, metric, 'train')).toMatchObject({ value: null, warnings: ['2 of 8 rows are NaN or infinite (first: row 3).'] });
    }
    expect(valueOf(found, 'alignment', 'held_out')).toBeGreaterThan(0);
    expect(valueOf(found, 'rankme', 'held_out')).toBeGreaterThan(0);
    expect(find(found, 'alignment', 'gap').value).toBeNull();
  });
});

describe('RankMe', () => {
  test('of equal singular values is their number, but for the addend of the definition', () => {
    const p = 1 / 4 + 1e-7;
    expect(rankme([3, 3, 3, 3], 4)).toBeCloseTo(Math.exp(-4 * p * Math.log(p)), 13);
    expect(rankme([1], 1)).toBeCloseTo(1, 6);
    // A value of zero counts with p = 1e-7.
    expect(rankme([1], 2)).toBeCloseTo(Math.exp(-(1 + 1e-7) * Math.log(1 + 1e-7) - 1e-7 * Math.log(1e-7)), 13);
  });

  test('of orthogonal rows is the number of directions, whatever the scale, and uncentred', async () => {
    const layer = makeLayer({ train: 6, heldOut: 6, views: 2, d: 6 }, (sample) => Float64Array.from({ length: 6 }, (_, j) => (j === sample % 6 ? 1e-200 : 0)));
    const found = await measure(engine, layer, ['rankme']);
    expect(valueOf(found, 'rankme', 'train')).toBeCloseTo(6, 4);
    expect(found).toHaveLength(2);
    expect(find(found, 'rankme', 'train').uncertainty).toBeUndefined();
    const shifted = withFeatures(layer, layer.features.data.map((value) => value + 1));
    expect(valueOf(await measure(engine, shifted, ['rankme']), 'rankme', 'train')).toBeCloseTo(1, 4);
  });

  test('of a layer collapsed to one direction with noise far below keeps six digits', async () => {
    // Singular values 1 and 1e-9: squared they are below the rounding of the largest.
    const d = 30;
    const layer = makeLayer({ train: d, heldOut: 0, views: 1, d }, (sample) =>
      Float64Array.from({ length: d }, (_, j) => 1 / d + (j === sample ? 1e-9 : 0) - (j === sample ? 0 : 0)),
    );
    // J/d + 1e-9 I has singular values 1 + 1e-9 once and 1e-9 otherwise.
    const wanted = rankme([1 + 1e-9, ...Array.from({ length: d - 1 }, () => 1e-9)], d);
    const found = valueOf(await measure(engine, layer, ['rankme']), 'rankme', 'train');
    expect(Math.abs(found / wanted - 1)).toBeLessThan(1e-10);
  });

  test('ignores features that are always zero, and is null when all are', async () => {
    const layer = makeLayer({ train: 8, heldOut: 8, views: 2, d: 5 }, (sample, view) => (sample < 8 ? [1 + sample, 0, view, 0, 0] : [0, 0, 0, 0, 0]));
    const found = await measure(engine, layer);
    const narrow = makeLayer({ train: 8, heldOut: 0, views: 2, d: 2 }, (sample, view) => [1 + sample, view]);
    const two = valueOf(await measure(engine, narrow, ['rankme']), 'rankme', 'train');
    expect(Math.log(valueOf(found, 'rankme', 'train')) - Math.log(two)).toBeCloseTo(-3e-7 * Math.log(1e-7), 10);
    expect(find(found, 'rankme', 'held_out')).toMatchObject({ value: null, warnings: ['All features are zero.'] });
    expect(find(found, 'coding_rate', 'held_out').warnings[0]).toBe('16 of 16 rows are all zero and so without direction (first: row 16).');
  });

  test('of fewer rows than dimensions says what bounds it', async () => {
    const found = await measure(engine, clusteredLayer({ train: 5, heldOut: 0, views: 2, d: 40 }, 1, 3), ['rankme']);
    expect(valueOf(found, 'rankme', 'train')).toBeLessThanOrEqual(10);
    expect(find(found, 'rankme', 'train').warnings).toContain('Fewer rows (10) than dimensions (40): the value is at most 10.');
  });
});
