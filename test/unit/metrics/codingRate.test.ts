import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { codingRateBound } from '../../../src/metrics/codingRate';
import { Random } from '../../../src/metrics/random';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const family = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized'];

describe('by hand', () => {
  test('two samples of two identical views on two axes', async () => {
    const layer = makeLayer({ train: 2, heldOut: 0, views: 2, d: 2 }, (sample) => (sample === 0 ? [3, 0] : [0, 0.2]));
    const found = await measure(engine, layer, family);
    // Z'Z = 2 I, n = 4, d = 2, eps2 = 1/2: R = 1/2 * 2 log(1 + 2/(4/2) * 2) = log 3; within a sample one direction: 1/2 log(1 + 2/(2/2) * 2) = 1/2 log 5.
    expect(valueOf(found, 'coding_rate', 'train')).toBeCloseTo(Math.log(3), 14);
    expect(valueOf(found, 'coding_rate_within', 'train')).toBeCloseTo(Math.log(5) / 2, 14);
    expect(valueOf(found, 'coding_rate_reduction', 'train')).toBeCloseTo(Math.log(3) - Math.log(5) / 2, 14);
    expect(valueOf(found, 'crr_normalized', 'train')).toBeCloseTo((Math.log(3) - Math.log(5) / 2) / Math.log(3), 14);
  });

  test('the bound is the rate of an even spectrum, by dimensions or by rows', () => {
    expect(codingRateBound(100, 10, 0.5)).toBeCloseTo(5 * Math.log(3), 14);
    expect(codingRateBound(10, 100, 0.5)).toBeCloseTo(5 * Math.log(21), 14);
    expect(codingRateBound(7, 7, 0.1)).toBeCloseTo(codingRateBound(7, 7 - 1e-9, 0.1), 6);
  });

  test('with two views a sample, identical and unrelated views give nearly the same reduction', async () => {
    // The trap of the definition, d = 64, 200 pairs, eps2 = 0.1: 68.87 identical, 68.72 unrelated.
    const shape = { train: 200, heldOut: 0, views: 2, d: 64 };
    const random = new Random(3);
    const centers = Array.from({ length: 200 }, () => Float64Array.from({ length: 64 }, () => random.gaussian()));
    const identical = makeLayer(shape, (sample) => centers[sample] as Float64Array);
    const unrelated = makeLayer(shape, () => Float64Array.from({ length: 64 }, () => random.gaussian()));
    const [same, other] = [await measure(engine, identical, family, { eps2: 0.1 }), await measure(engine, unrelated, family, { eps2: 0.1 })];
    expect(Math.abs(valueOf(same, 'coding_rate_reduction', 'train') - 68.87)).toBeLessThan(0.4);
    expect(Math.abs(valueOf(other, 'coding_rate_reduction', 'train') - 68.72)).toBeLessThan(0.4);
    expect(find(same, 'coding_rate_reduction', 'train').warnings).toContain('The reduction barely sees alignment below 8 views; this probe has 2.');
    // Within a class of two: 1/2 log(1 + 2c) for identical views, log(1 + c) for orthogonal ones, c = d / (2 eps2).
    expect(valueOf(same, 'coding_rate_within', 'train')).toBeCloseTo(Math.log1p(2 * 320) / 2, 12);
    expect(valueOf(other, 'coding_rate_within', 'train')).toBeCloseTo(Math.log1p(320), 1);
  });
});

describe('invariants', () => {
  const shape = { train: 12, heldOut: 9, views: 5, d: 16 };
  const layer = clusteredLayer(shape, 0.5, 1);

  test.each([
    ['a rotation', rotated(layer.features.data, 16)],
    ['scaling of rows', layer.features.data.map((value, at) => value * (1 + (Math.floor(at / 16) % 7)))],
    ['a permutation of features', layer.features.data.map((_, at) => layer.features.data[at - (at % 16) + (15 - (at % 16))] as number)],
    ['huge numbers', layer.features.data.map((value) => value * 1e290)],
    ['tiny numbers', layer.features.data.map((value) => value * 1e-290)],
  ])('%s changes nothing', async (_, data) => {
    const [before, after] = [await measure(engine, layer, family), await measure(engine, withFeatures(layer, data), family)];
    for (const [index, one] of before.entries()) expect(after[index]?.value).toBeCloseTo(one.value as number, 10);
  });

  test('the order of rows changes nothing, to the last bit and the interval included', async () => {
    const order = Array.from({ length: layer.sample.length }, (_, i) => i).sort((a, b) => (a % 5) - (b % 5) || b - a);
    const data = Float64Array.from({ length: layer.features.data.length }, (_, at) => layer.features.data[(order[Math.floor(at / 16)] as number) * 16 + (at % 16)] as number);
    const shuffled = { ...withFeatures(layer, data), sample: Int32Array.from(order, (row) => layer.sample[row] as number) };
    expect(await measure(engine, shuffled, family)).toEqual(await measure(engine, layer, family));
  });

  test('both sides of the Gram matrix give the same rate', async () => {
    // 60 rows by 16 goes by columns; the same rows beside 80 empty features go by rows. eps2 is kept in step with d.
    const padded = new Float64Array(layer.features.rows * 96);
    for (let row = 0; row < layer.features.rows; row++) padded.set(layer.features.data.subarray(row * 16, (row + 1) * 16), row * 96);
    const narrow = await measure(engine, layer, family, { eps2: 0.5 });
    const wide = await measure(engine, withFeatures(layer, padded, 96), family, { eps2: 3 });
    for (const metric of ['coding_rate', 'coding_rate_within', 'coding_rate_reduction']) {
      for (const split of ['train', 'held_out', 'gap']) {
        expect(valueOf(wide, metric, split)).toBeCloseTo(valueOf(narrow, metric, split), 10);
        expect(find(wide, metric, split).uncertainty?.standardError).toBeCloseTo(find(narrow, metric, split).uncertainty?.standardError as number, 5);
      }
    }
  });

  test('full collapse gives no reduction', async () => {
    const collapsed = makeLayer({ train: 10, heldOut: 10, views: 8, d: 20 }, (sample) => Float64Array.from({ length: 20 }, (_, j) => (j + 1) * (sample + 1)));
    const found = await measure(engine, collapsed, family);
    for (const split of ['train', 'held_out', 'gap']) expect(Math.abs(valueOf(found, 'coding_rate_reduction', split))).toBeLessThan(1e-12);
    expect(valueOf(found, 'coding_rate', 'train')).toBeCloseTo(0.5 * Math.log1p(40), 12);
  });

  test('a single sample is a single class, whose reduction is zero', async () => {
    const found = await measure(engine, clusteredLayer({ train: 1, heldOut: 0, views: 80, d: 12 }, 1, 2), family);
    expect(Math.abs(valueOf(found, 'coding_rate_reduction', 'train'))).toBeLessThan(1e-12);
    expect(find(found, 'coding_rate_reduction', 'train').warnings[0]).toMatch(/single sample/);
    expect(find(found, 'coding_rate', 'train').uncertainty).toBeUndefined();
  });

  test('one view a sample still has a reduction, with a warning that it says nothing about views', async () => {
    const found = await measure(engine, clusteredLayer({ train: 20, heldOut: 20, views: 1, d: 6 }, 1, 2), family);
    expect(valueOf(found, 'coding_rate_within', 'train')).toBeCloseTo(0.5 * Math.log1p(12), 12);
    expect(find(found, 'coding_rate_reduction', 'gap').warnings.join(' ')).toMatch(/one view says nothing/);
  });
});

describe('records', () => {
  test('carry what the value depends on, and no seed', async () => {
    const found = await measure(engine, clusteredLayer({ train: 130, heldOut: 130, views: 8, d: 4 }, 1, 2), family, { eps2: 0.25 });
    expect(found).toHaveLength(12);
    const record = find(found, 'coding_rate_reduction', 'train');
    expect(record).toMatchObject({ layer: 'block3', layerIndex: 3, n: 1040, d: 4, views: 8, seed: null, method: 1, warnings: [] });
    expect(record.options).toEqual({ eps2: 0.25, normalisation: 'l2', partition: 'views' });
    expect(find(found, 'coding_rate_reduction', 'gap')).toMatchObject({ n: 2080, views: 8, warnings: [], options: record.options });
  });

  test('of uneven views name the smallest number, and weigh each row alike', async () => {
    const even = clusteredLayer({ train: 6, heldOut: 0, views: 4, d: 3 }, 0.3, 8);
    // The last sample loses three of its views.
    const rows = 21;
    const layer = { ...even, features: { rows, columns: 3, data: even.features.data.slice(0, rows * 3) }, sample: even.sample.slice(0, rows) };
    const found = await measure(engine, layer, family);
    expect(find(found, 'coding_rate', 'train')).toMatchObject({ n: 21, views: 1 });
    const term = (size: number, logDeterminant: number) => (size / (2 * 21)) * logDeterminant;
    let wanted = term(1, Math.log1p(6));
    for (let sample = 0; sample < 5; sample++) {
      const z = Array.from({ length: 4 }, (_, view) => {
        const row = [...layer.features.data.subarray((sample * 4 + view) * 3, (sample * 4 + view + 1) * 3)];
        return row.map((value) => value / Math.hypot(...row));
      });
      const a = 3 / (4 * 0.5);
      const m = [0, 1, 2].map((i) => [0, 1, 2].map((j) => Number(i === j) + a * z.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0)));
      const [p, q, r] = m as [number[], number[], number[]];
      const minor = (u: number, v: number) => (q[u] as number) * (r[v] as number) - (q[v] as number) * (r[u] as number);
      wanted += term(4, Math.log((p[0] as number) * minor(1, 2) - (p[1] as number) * minor(0, 2) + (p[2] as number) * minor(0, 1)));
    }
    expect(valueOf(found, 'coding_rate_within', 'train')).toBeCloseTo(wanted, 12);
  });

  test('of a part without rows do not exist, and then there is no gap', async () => {
    const found = await measure(engine, clusteredLayer({ train: 0, heldOut: 9, views: 2, d: 3 }, 1, 2), family);
    expect(new Set(found.map(({ split }) => split))).toEqual(new Set(['held_out']));
  });

  test('name rows that cannot be scaled to length 1, and the other part keeps its values', async () => {
    const layer = clusteredLayer({ train: 10, heldOut: 10, views: 2, d: 3 }, 1, 2);
    layer.features.data.fill(0, 25 * 3, 27 * 3);
    const found = await measure(engine, layer, family);
    expect(valueOf(found, 'coding_rate', 'train')).toBeGreaterThan(0);
    expect(find(found, 'coding_rate', 'held_out')).toMatchObject({ value: null, warnings: ['2 of 20 rows are all zero and so without direction (first: row 25).'] });
    const gap = find(found, 'coding_rate', 'gap');
    expect(gap.value).toBeNull();
    expect(gap.uncertainty).toBeUndefined();
    expect(gap.warnings).toEqual(['No gap without a value on the held-out part: 2 of 20 rows are all zero and so without direction (first: row 25).']);
  });

  test('warn when the parts differ in size', async () => {
    const found = await measure(engine, clusteredLayer({ train: 10, heldOut: 8, views: 8, d: 3 }, 1, 2), family);
    expect(find(found, 'coding_rate', 'gap').warnings[0]).toBe(
      'The parts differ in size (train 10 samples x 8 views, held-out 8 x 8), so part of the gap is size.',
    );
    expect(find(found, 'coding_rate', 'train').warnings).toContain('Only 10 samples; a part of a probe should have 64 at least.');
  });

  test('are refused for an eps2 that is not positive', async () => {
    const layer = clusteredLayer({ train: 2, heldOut: 0, views: 2, d: 3 }, 1, 2);
    await expect(measure(engine, layer, family, { eps2: 0 })).rejects.toThrow('eps2 must be a positive number, not 0.');
  });
});

function rotated(data: Float32Array | Float64Array, columns: number): Float64Array {
  const random = new Random(77);
  const v = Float64Array.from({ length: columns }, () => random.gaussian());
  const squares = v.reduce((sum, value) => sum + value * value, 0);
  const result = Float64Array.from(data);
  for (let start = 0; start < data.length; start += columns) {
    let dot = 0;
    for (let j = 0; j < columns; j++) dot += (v[j] as number) * (data[start + j] as number);
    for (let j = 0; j < columns; j++) result[start + j] = (result[start + j] as number) - ((2 * dot) / squares) * (v[j] as number);
  }
  return result;
}
