import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { singularValuesDirect } from '../../../src/linalg/singularValues';
import type { LayerFeatures } from '../../../src/metrics';
import { partRows } from '../../../src/metrics/partRows';
import { Random } from '../../../src/metrics/random';
import { spectrumCatalog } from '../../../src/metrics/spectrum/catalog';
import { spectra } from '../../../src/metrics/spectrum/spectra';
import { clusteredLayer, find, type LayerShape, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const ids = spectrumCatalog.map(({ id }) => id);

/** Every element of the features put through a function of it and its column. */
function changed(layer: LayerFeatures, change: (value: number, column: number) => number): LayerFeatures {
  const { columns, data } = layer.features;
  return withFeatures(layer, Float64Array.from(data, (value, i) => change(value, i % columns)));
}

/** Features turned by a fixed random rotation. */
function rotated(layer: LayerFeatures): LayerFeatures {
  const { rows, columns, data } = layer.features;
  const result = Float64Array.from(data);
  const random = new Random(5);
  // Householder reflectors of random directions.
  for (let round = 0; round < 3; round++) {
    const v = Float64Array.from({ length: columns }, () => random.gaussian());
    const square = v.reduce((sum, value) => sum + value * value, 0);
    for (let row = 0; row < rows; row++) {
      let dot = 0;
      for (let j = 0; j < columns; j++) dot += (result[row * columns + j] as number) * (v[j] as number);
      for (let j = 0; j < columns; j++) result[row * columns + j] = (result[row * columns + j] as number) - ((2 * dot) / square) * (v[j] as number);
    }
  }
  return withFeatures(layer, result);
}

/** The same rows in another order of the file. */
function shuffled(layer: LayerFeatures): LayerFeatures {
  const { rows, columns, data } = layer.features;
  const order = Int32Array.from({ length: rows }, (_, row) => (row * 37 + 11) % rows);
  expect(new Set(order).size).toBe(rows);
  const moved = new Float64Array(data.length);
  for (const [to, from] of order.entries()) moved.set(data.subarray(from * columns, (from + 1) * columns), to * columns);
  return { ...withFeatures(layer, moved), sample: order.map((from) => layer.sample[from] as number) };
}

async function expectSame(a: LayerFeatures, b: LayerFeatures, metrics: readonly string[], tolerance: number): Promise<void> {
  const [first, second] = [await measure(engine, a, metrics), await measure(engine, b, metrics)];
  for (const metric of metrics) {
    const [x, y] = [valueOf(first, metric, 'train'), valueOf(second, metric, 'train')];
    expect(Math.abs(x - y) / Math.max(Math.abs(x), 1e-3), `${metric}: ${x} and ${y}`).toBeLessThanOrEqual(tolerance);
  }
}

describe('both spectra out of one reduction', () => {
  /** n x d with a mean of the given size and strengths of the columns that fall. */
  const shapes: readonly (readonly [LayerShape, number])[] = [
    [{ train: 30, heldOut: 0, views: 3, d: 40 }, 5],
    [{ train: 40, heldOut: 0, views: 1, d: 40 }, 0],
    [{ train: 13, heldOut: 0, views: 2, d: 70 }, 3],
    [{ train: 3, heldOut: 0, views: 1, d: 2 }, 1],
    [{ train: 1, heldOut: 0, views: 2, d: 1 }, 1],
    [{ train: 1, heldOut: 0, views: 1, d: 5 }, 1],
    [{ train: 2, heldOut: 0, views: 1, d: 5 }, 1e6],
    [{ train: 100, heldOut: 0, views: 2, d: 35 }, 1e4],
  ];
  test.each(shapes)('is that of the features and that of the centred features: %o, mean %d', async (shape, size) => {
    const layer = changed(clusteredLayer(shape, 1, 3), (value, j) => value / (1 + j) + size * Math.sin(1 + j));
    const part = partRows(layer, 'train');
    if (!part) throw new Error('The layer has no part.');
    const context = { engine, checkpoint: () => undefined };
    const known = await spectra(part, context);
    const found = { uncentred: known.uncentred, centred: known.centred(context) };
    const { rows, columns, data } = layer.features;
    const mean = Float64Array.from({ length: columns }, (_, j) => {
      let rest = 0;
      for (let row = 0; row < rows; row++) rest += (data[row * columns + j] as number) - (data[j] as number);
      return (data[j] as number) + rest / rows;
    });
    const centred = changed(layer, (value, j) => value - (mean[j] as number)).features;
    const wanted = singularValuesDirect(layer.features);
    const wantedCentred = singularValuesDirect(centred).slice(-Math.min(rows - 1, columns) || Infinity);
    expect(found.uncentred).toHaveLength(Math.min(rows, columns));
    expect(found.centred).toHaveLength(Math.min(rows - 1, columns));
    // Spectra are of features scaled by a power of two.
    const scale = 2 ** Math.round(Math.log2(Math.sqrt(found.uncentred.at(-1) as number) / (wanted.at(-1) as number)));
    for (const [squares, values] of [[found.uncentred, wanted], [found.centred, wantedCentred]] as const) {
      const largest = squares.at(-1) ?? 0;
      for (const [i, square] of squares.entries()) expect(Math.abs(square - (scale * (values[i] as number)) ** 2)).toBeLessThanOrEqual(1e-14 * largest);
    }
  });
});

describe('invariants', () => {
  const layer = changed(clusteredLayer({ train: 25, heldOut: 0, views: 4, d: 22 }, 0.7, 8), (value, j) => value / Math.sqrt(1 + j) + (j < 3 ? 1 : 0));

  test('a rotation changes nothing but the deviation by dimension', async () => {
    await expectSame(layer, rotated(layer), ids.filter((id) => id !== 'feature_std'), 1e-10);
  });

  test('the order of the rows changes nothing', async () => {
    await expectSame(layer, shuffled(layer), ids, 1e-12);
  });

  test('scale changes nothing but LiDAR, whose delta has a scale', async () => {
    const scaled = changed(layer, (value) => value * 0.37);
    await expectSame(layer, scaled, ids.filter((id) => id !== 'lidar'), 1e-12);
    const [a, b] = [await measure(engine, layer, ['lidar']), await measure(engine, changed(layer, (value) => value * 1e-4), ['lidar'])];
    expect(Math.abs(valueOf(a, 'lidar', 'train') / valueOf(b, 'lidar', 'train') - 1)).toBeGreaterThan(0.01);
    expect(find(b, 'lidar', 'train').warnings.at(-1)).toMatch(/^Views differ by less \(variance \d\.\de-10\) than delta, which therefore decides much of the value\.$/);
  });

  test('a constant added to a feature changes nothing that is centred', async () => {
    await expectSame(layer, changed(layer, (value, j) => value + j), ['nesum', 'alpha_req', 'lidar'], 1e-10);
    const far = changed(layer, (value, j) => value + 1e6 * j);
    await expectSame(layer, far, ['nesum', 'alpha_req', 'lidar'], 1e-7);
  });

  test.each([1e-300, 1e-160, 1e160, 1e300])('features around %d are measured like any other', async (size) => {
    const extreme = changed(layer, (value) => value * size);
    await expectSame(layer, extreme, ids.filter((id) => id !== 'lidar'), 1e-10);
    expect(valueOf(await measure(engine, extreme, ['lidar']), 'lidar', 'train')).toBeGreaterThan(1);
  });

  test('are none for LiDAR once delta, or the views, decide alone, at any scale of float64', async () => {
    const at = async (factor: number) => find(await measure(engine, changed(layer, (value) => value * factor), ['lidar']), 'lidar', 'train');
    const [small, smaller, least, large, largest] = [await at(1e-60), await at(1e-200), await at(1e-307), await at(1e60), await at(1e290)];
    for (const tiny of [smaller, least]) {
      expect((tiny.value as number) / (small.value as number)).toBeCloseTo(1, 10);
      expect(tiny.warnings.at(-1)).toMatch(/^Views differ by less \(variance .*\) than delta/);
    }
    expect((largest.value as number) / (large.value as number)).toBeCloseTo(1, 10);
    for (const { details = {} } of [small, smaller, least, large, largest]) expect(Object.values(details).every(Number.isFinite)).toBe(true);
  });
});

describe('what cannot be measured', () => {
  test('rows that are not finite, and features that are all zero, have no value and a reason', async () => {
    const layer = clusteredLayer({ train: 6, heldOut: 6, views: 2, d: 4 }, 1, 1);
    layer.features.data[5] = NaN;
    layer.features.data.fill(0, 12 * 4);
    const found = await measure(engine, layer, ids);
    for (const id of ids) {
      expect(find(found, id, 'train')).toMatchObject({ value: null, warnings: ['1 of 12 rows is NaN or infinite (first: row 1).'] });
      const empty = find(found, id, 'held_out');
      expect(empty.value).toBeNull();
      expect(empty.warnings[0]).toMatch(/^(All features are zero\.|12 of 12 rows are all zero and so without direction)/);
    }
  });

  test('a single row has only what needs no second one', async () => {
    const found = await measure(engine, clusteredLayer({ train: 1, heldOut: 0, views: 1, d: 5 }, 1, 1), ids);
    const one = (id: string) => find(found, id, 'train');
    expect(one('stable_rank').value).toBeCloseTo(1, 14);
    expect(one('pseudo_condition').value).toBeCloseTo(1, 14);
    expect(one('nesum')).toMatchObject({ value: null, warnings: ['The rows do not differ, so there is no covariance.'] });
    expect(one('alpha_req')).toMatchObject({ value: null, warnings: ['The fit needs 20 eigenvalues; 0 of 0 are above 1e-8 of the largest.'] });
    expect(one('feature_std')).toMatchObject({ value: null, warnings: ['A single row has no standard deviation.'] });
    expect(one('self_cluster')).toMatchObject({ value: null, warnings: ['A single row has nothing to cluster with.'] });
    expect(one('coherence').warnings).toEqual(['The rows (1) are linearly independent, so that the coherence would be 1 whatever they are.']);
    expect(one('lidar').warnings).toEqual(['No sample has two views, so there is no covariance within samples.']);
  });

  test('equal rows are a complete collapse', async () => {
    const layer = makeLayer({ train: 20, heldOut: 0, views: 2, d: 3 }, () => [0.1, 0.7, -0.3]);
    const found = await measure(engine, layer, ids);
    const value = (id: string) => find(found, id, 'train').value;
    expect(value('stable_rank')).toBeCloseTo(1, 13);
    expect(value('rankme')).toBeCloseTo(1, 4);
    expect(value('feature_std')).toBe(0);
    expect(value('self_cluster')).toBeCloseTo(1, 13);
    expect(value('pseudo_condition')).toBe(0);
    expect(find(found, 'pseudo_condition', 'train').warnings).toContain('The features are linearly dependent to rounding.');
    expect(value('coherence')).toBeCloseTo(1, 12);
    expect(value('nesum')).toBeNull();
    expect(find(found, 'lidar', 'train')).toMatchObject({ value: null, warnings: ['The means of the samples do not differ.'] });
  });
});
