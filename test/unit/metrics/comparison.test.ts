import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import type { LayerFeatures, LayerReference } from '../../../src/metrics';
import { centredFeatures } from '../../../src/metrics/comparison/centredFeatures';
import { linearCka } from '../../../src/metrics/comparison/linearCka';
import { partRows } from '../../../src/metrics/partRows';
import { Random } from '../../../src/metrics/random';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const shape = { train: 24, heldOut: 24, views: 4, d: 6 };

function since(layer: LayerFeatures | null, reason = ''): LayerReference {
  return { since: 'abc', layer, reason };
}

async function ckaPrevious(layer: LayerFeatures, previous: LayerFeatures, split = 'train'): Promise<number> {
  return valueOf(await measure(engine, { ...layer, previous: since(previous) }, ['cka_prev']), 'cka_prev', split);
}

/** A random orthogonal matrix applied to the columns, by Gram-Schmidt. */
function rotated(layer: LayerFeatures, seed: number): LayerFeatures {
  const { rows, columns, data } = layer.features;
  const random = new Random(seed);
  const basis: number[][] = [];
  while (basis.length < columns) {
    const vector = Array.from({ length: columns }, () => random.gaussian());
    for (const other of basis) {
      const overlap = vector.reduce((total, value, j) => total + value * (other[j] as number), 0);
      for (let j = 0; j < columns; j++) vector[j] = (vector[j] as number) - overlap * (other[j] as number);
    }
    const norm = Math.hypot(...vector);
    basis.push(vector.map((value) => value / norm));
  }
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (const [j, vector] of basis.entries()) turned[i * columns + j] = vector.reduce((total, value, k) => total + value * (data[i * columns + k] as number), 0);
  }
  return withFeatures(layer, turned);
}

describe('CKA', () => {
  test('is the cosine of the Gram matrices, by hand', async () => {
    // Centred: x = (-3, -1, 1, 3) / 2 and y = (1, -1, -1, 1): x'y = 0. With z = (0, 0, 0, 1): x'z = 1.5, ||x||^2 = 5, ||z||^2 = 3/4.
    const line = (values: readonly number[]) => makeLayer({ train: 4, heldOut: 0, views: 1, d: 1 }, (sample) => [values[sample] as number]);
    const x = partRows(line([0, 1, 2, 3]), 'train') as never;
    const context = { engine, checkpoint: () => undefined };
    const plain = async (values: readonly number[]) => (await linearCka(centredFeatures(x), centredFeatures(partRows(line(values), 'train') as never), context, { debiased: false })).value;
    expect(await plain([1, -1, -1, 1])).toBeCloseTo(0, 15);
    expect(await plain([0, 0, 0, 1])).toBeCloseTo(1.5 ** 2 / (5 * 0.75), 14);
    expect(await plain([7, 5, 3, 1])).toBeCloseTo(1, 14);
  });

  test('does not change under rotation, scale, shift and order of rows', async () => {
    const layer = clusteredLayer(shape, 0.5, 1);
    const previous = clusteredLayer(shape, 0.5, 2);
    const value = await ckaPrevious(layer, previous);
    expect(value).toBeGreaterThan(0);
    expect(value).toBeLessThan(0.9);
    expect(await ckaPrevious(rotated(layer, 3), previous)).toBeCloseTo(value, 12);
    expect(await ckaPrevious(layer, withFeatures(previous, previous.features.data.map((one) => 1e150 * one)))).toBeCloseTo(value, 12);
    expect(await ckaPrevious(withFeatures(layer, layer.features.data.map((one) => 1e-200 * one)), previous)).toBeCloseTo(value, 12);
    expect(await ckaPrevious(withFeatures(layer, layer.features.data.map((one, at) => one + (at % 6))), previous)).toBeCloseTo(value, 12);
    const reversed = (one: LayerFeatures): LayerFeatures => {
      const { rows, columns, data } = one.features;
      return { ...withFeatures(one, Float64Array.from(data, (_, at) => data[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] as number)), sample: one.sample.slice().reverse() };
    };
    expect(await ckaPrevious(reversed(layer), reversed(previous))).toBeCloseTo(value, 12);
    expect(await ckaPrevious(previous, layer)).toBeCloseTo(value, 12);
  });

  test('is 1 for a rotated layer, and near 0 for unrelated ones where rows are few because it is debiased', async () => {
    const few = { train: 10, heldOut: 10, views: 4, d: 40 };
    const [a, b] = [clusteredLayer(few, 3, 1), clusteredLayer(few, 3, 2)];
    expect(await ckaPrevious(a, rotated(a, 4))).toBeCloseTo(1, 12);
    const record = find(await measure(engine, { ...a, previous: since(b) }, ['cka_prev']), 'cka_prev', 'train');
    expect(record.options).toMatchObject({ debiased: true, since: 'abc', otherWidth: 40 });
    expect(Math.abs(record.value as number)).toBeLessThan(0.2);
    const [x, y] = [a, b].map((layer) => centredFeatures(partRows(layer, 'train') as never)) as [never, never];
    const plain = await linearCka(x, y, { engine, checkpoint: () => undefined }, { debiased: false });
    expect(plain.value).toBeGreaterThan(0.4);
  });

  test('of large products in float32 stays within 1e-6 of float64, by features and by rows', async () => {
    const large = { train: 80, heldOut: 0, views: 8, d: 320 };
    const a = clusteredLayer(large, 1, 1);
    const noise = new Random(9);
    const b = withFeatures(a, a.features.data.map((value) => Math.max(0, value) + noise.gaussian()));
    const context = { engine, checkpoint: () => undefined };
    for (const debiased of [false, true]) {
      const fresh = () => [a, b].map((layer) => centredFeatures(partRows({ ...layer }, 'train') as never)) as [never, never];
      const wide = (await linearCka(...fresh(), context, { debiased, precision: 'float64' })).value as number;
      const chosen = await linearCka(...fresh(), context, { debiased });
      expect(chosen.precision).toBe('float32');
      expect(Math.abs((chosen.value as number) - wide)).toBeLessThan(1e-6);
      for (const side of ['columns', 'rows'] as const) {
        expect(Math.abs(((await linearCka(...fresh(), context, { debiased, side })).value as number) - wide)).toBeLessThan(1e-6);
      }
    }
  });

  test('in float32 that would not keep 1e-6 is taken in float64', async () => {
    // Nearly orthogonal rows of one length: hardly anything is left when the bias is taken away.
    const random = new Random(3);
    const layer = makeLayer({ train: 300, heldOut: 0, views: 1, d: 4000 }, () => Float64Array.from({ length: 4000 }, () => random.gaussian()));
    const other = withFeatures(layer, layer.features.data.map((value) => value + 0.1 * random.gaussian()));
    const [x, y] = [layer, other].map((one) => centredFeatures(partRows(one, 'train') as never)) as [never, never];
    const found = await linearCka(x, y, { engine, checkpoint: () => undefined });
    expect(found).toMatchObject({ debiased: true, precision: 'float64' });
    expect(found.value).toBeGreaterThan(0.9);
  });

  test('with the deepest layer is 1 for that layer and equal to CKA with it for the others', async () => {
    const [layer, deepest] = [clusteredLayer(shape, 0.5, 1), clusteredLayer({ ...shape, d: 3 }, 0.5, 2)];
    const own = find(await measure(engine, { ...deepest, deepest: null }, ['cka_last']), 'cka_last', 'train');
    expect(own).toMatchObject({ value: 1, options: { debiased: false, otherWidth: 3 } });
    const other = valueOf(await measure(engine, { ...layer, deepest }, ['cka_last']), 'cka_last', 'held_out');
    expect(other).toBe(await ckaPrevious(layer, deepest, 'held_out'));
  });

  test('without something to compare with is null and says why', async () => {
    const layer = clusteredLayer(shape, 0.5, 1);
    const reasonOf = async (previous: LayerReference | null) => {
      const { value, warnings, options } = find(await measure(engine, { ...layer, previous }, ['cka_prev']), 'cka_prev', 'train');
      expect(value).toBeNull();
      expect(options.since).toBe(previous?.since ?? '');
      return warnings[0];
    };
    expect(await reasonOf(null)).toBe('There is no earlier checkpoint.');
    expect(await reasonOf(since(null, 'The earlier probe has no layer block3.'))).toBe('The earlier probe has no layer block3.');
    const different = 'The probe of the earlier checkpoint has other samples or views, so that rows cannot be matched.';
    expect(await reasonOf(since(clusteredLayer({ ...shape, views: 2 }, 0.5, 1)))).toBe(different);
    expect(await reasonOf(since({ ...layer, sampleIds: layer.sampleIds.map((id) => id + 1n) }))).toBe(different);
    expect(await reasonOf(since({ ...layer, split: layer.split.map(() => 1) }))).toBe(different);
    const broken = withFeatures(layer, layer.features.data.slice());
    broken.features.data[2] = Infinity;
    expect(await reasonOf(since(broken))).toBe('In the earlier checkpoint: 1 of 96 rows is NaN or infinite (first: row 0).');
    expect(await reasonOf(since(withFeatures(layer, layer.features.data.map(() => 0.1))))).toBe('In the earlier checkpoint all features are constant.');
    const missing = find(await measure(engine, layer, ['cka_last']), 'cka_last', 'train');
    expect(missing).toMatchObject({ value: null, warnings: ['The deepest layer of the probe was not read.'] });
  });

  test('of constant features, of three rows and of rows as far apart as noise is null', async () => {
    const constant = makeLayer({ train: 7, heldOut: 0, views: 3, d: 2 }, () => [0.1, 0.7]);
    expect(find(await measure(engine, { ...constant, deepest: null }, ['cka_last']), 'cka_last', 'train').warnings[0]).toBe('All features are constant.');
    const three = clusteredLayer({ train: 3, heldOut: 0, views: 1, d: 2 }, 1, 1);
    expect(find(await measure(engine, { ...three, deepest: null }, ['cka_last']), 'cka_last', 'train').warnings[0]).toBe('Needs at least 4 rows; there are 3.');
    const corners = makeLayer({ train: 5, heldOut: 0, views: 1, d: 5 }, (sample) => [0, 1, 2, 3, 4].map((j) => Number(j === sample)));
    const record = find(await measure(engine, { ...corners, previous: since(rotated(corners, 1)) }, ['cka_prev']), 'cka_prev', 'train');
    expect(record.value).toBeNull();
    expect(record.warnings[0]).toContain('the debiased similarity of a layer with itself is not above 0');
  });

  test('keeps its value when a constant feature with a large value is added', async () => {
    const [layer, previous] = [clusteredLayer(shape, 0.5, 1), clusteredLayer(shape, 0.5, 2)];
    const { rows, columns, data } = layer.features;
    const wider = new Float64Array(rows * (columns + 1)).fill(1e6 / 3);
    for (let i = 0; i < rows; i++) wider.set(data.subarray(i * columns, (i + 1) * columns), i * (columns + 1));
    expect(await ckaPrevious(withFeatures(layer, wider, columns + 1), previous)).toBeCloseTo(await ckaPrevious(layer, previous), 12);
  });
});

describe('UnitMem', () => {
  const ofTrain = async (layer: LayerFeatures) => find(await measure(engine, layer, ['unit_mem']), 'unit_mem', 'train');

  test('compares the sample that excites a unit most with the mean of the others, by hand', async () => {
    // Unit 0: means over views 4, 1, 1 -> (4 - 1) / (4 + 1). Unit 1: only sample 2 -> 1. Unit 2: always 5 -> 0. Unit 3: silent.
    const rows = [[[6, 0, 5, 0], [2, 0, 5, 0]], [[2, 0, 5, 0], [0, 0, 5, 0]], [[1, 3, 5, 0], [1, 9, 5, 0]]];
    const layer = makeLayer({ train: 3, heldOut: 0, views: 2, d: 4 }, (sample, view) => rows[sample]?.[view] as number[]);
    const { value, warnings, details } = await ofTrain(layer);
    expect(value).toBeCloseTo((0.6 + 1 + 0) / 3, 15);
    expect(details).toEqual({ units: 3, largest: 1, samplesAtMaximum: 2 });
    expect(warnings).toContain('1 of 4 units are never above 0 and take no part.');
    expect(warnings.some((warning) => warning.includes('below 0'))).toBe(false);
  });

  test('takes activations below 0 as 0 and says how many there are', async () => {
    const layer = makeLayer({ train: 3, heldOut: 0, views: 1, d: 1 }, (sample) => [[3], [1], [-4]][sample] as number[]);
    const { value, warnings } = await ofTrain(layer);
    expect(value).toBeCloseTo((3 - 0.5) / (3 + 0.5), 15);
    expect(warnings).toContain('50 % of the activation by size lies below 0 and counts as 0: the definition is for units after a ReLU.');
  });

  test('does not change with the scale of a unit, the order of samples and views, or their number of views in fours and ones', async () => {
    const seven = { train: 12, heldOut: 0, views: 7, d: 5 };
    const layer = clusteredLayer(seven, 0.5, 1);
    const { value } = await ofTrain(layer);
    const scaled = withFeatures(layer, layer.features.data.map((one, at) => one * 10 ** ((at % 5) * 20 - 40)));
    expect((await ofTrain(scaled)).value).toBeCloseTo(value as number, 12);
    const { rows, columns, data } = layer.features;
    const backwards = Float64Array.from(data, (_, at) => data[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] as number);
    expect((await ofTrain({ ...withFeatures(layer, backwards), sample: layer.sample.slice().reverse() })).value).toBeCloseTo(value as number, 14);
    // The same mean over views, which is all that counts.
    const once = makeLayer({ ...seven, views: 1 }, (sample) =>
      Float64Array.from({ length: 5 }, (_, j) => {
        let total = 0;
        for (let view = 0; view < 7; view++) total += Math.max(0, data[(sample * 7 + view) * 5 + j] as number) / 7;
        return total;
      }),
    );
    expect((await ofTrain(once)).value).toBeCloseTo(value as number, 14);
  });

  test('of one sample, of silent units and of rows that are not finite is null and says why', async () => {
    const one = makeLayer({ train: 1, heldOut: 2, views: 3, d: 2 }, (sample) => [sample === 0 ? 1 : -1, sample === 0 ? 2 : -3]);
    const found = await measure(engine, one, ['unit_mem']);
    expect(find(found, 'unit_mem', 'train').warnings).toEqual(['Needs at least two samples: a unit is compared between one and the others.']);
    expect(find(found, 'unit_mem', 'held_out')).toMatchObject({ value: null, warnings: ['No unit is ever above 0.'] });
    const broken = clusteredLayer(shape, 1, 1);
    broken.features.data[0] = NaN;
    expect((await ofTrain(broken)).warnings).toEqual(['1 of 96 rows is NaN or infinite (first: row 0).']);
  });
});
