import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import type { LayerFeatures } from '../../../src/metrics';
import { bootstrapReplicates, sum } from '../../../src/metrics/bootstrap';
import { neighboursFamilies } from '../../../src/metrics/neighbours';
import { type PartRows, partRows } from '../../../src/metrics/partRows';
import { Random } from '../../../src/metrics/random';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const metrics = neighboursFamilies.flatMap(({ shapes }) => shapes.map(({ metric }) => metric));

/** One view a sample, all of them seen in training. */
function points(rows: readonly ArrayLike<number>[]): LayerFeatures {
  return makeLayer({ train: rows.length, heldOut: 0, views: 1, d: rows[0]?.length ?? 0 }, (sample) => rows[sample] as ArrayLike<number>);
}

function gaussianPoints(n: number, d: number, seed = 1): Float64Array[] {
  const random = new Random(seed);
  return Array.from({ length: n }, () => Float64Array.from({ length: d }, () => random.gaussian()));
}

/** A random rotation: Gaussian vectors made orthonormal. */
function rotated(layer: LayerFeatures, seed: number): LayerFeatures {
  const { columns: d, rows, data } = layer.features;
  const basis: Float64Array[] = [];
  for (const vector of gaussianPoints(d, d, seed)) {
    for (let pass = 0; pass < 2; pass++) {
      for (const other of basis) {
        const dot = sum(vector.map((value, j) => value * (other[j] as number)));
        for (let j = 0; j < d; j++) vector[j] = (vector[j] as number) - dot * (other[j] as number);
      }
    }
    const length = Math.hypot(...vector);
    basis.push(vector.map((value) => value / length));
  }
  const turned = new Float64Array(data.length);
  for (let i = 0; i < rows; i++) for (const [k, vector] of basis.entries()) turned[i * d + k] = sum(vector.map((value, j) => value * (data[i * d + j] as number)));
  return withFeatures(layer, turned);
}

/** The same rows with samples in another order. */
function shuffledSamples(layer: LayerFeatures, views: number): LayerFeatures {
  const samples = layer.sampleIds.length;
  const { columns, data } = layer.features;
  const moved = new Float64Array(data.length);
  const block = views * columns;
  const order = Array.from({ length: samples }, (_, place) => (place * 7) % samples);
  for (const [place, sample] of order.entries()) moved.set(data.subarray(sample * block, (sample + 1) * block), place * block);
  return {
    ...withFeatures(layer, moved),
    sampleIds: order.map((sample) => layer.sampleIds[sample] as bigint),
    split: Uint8Array.from(order, (sample) => layer.split[sample] as number),
  };
}

describe('all measures of neighbours', () => {
  const layer = clusteredLayer({ train: 90, heldOut: 41, views: 3, d: 12 }, 0.3, 1);

  test('do not change with the order of samples, and, but for entropy, not with scale', async () => {
    const [before, moved, scaled] = [await measure(engine, layer, metrics), await measure(engine, shuffledSamples(layer, 3), metrics), await measure(engine, withFeatures(layer, layer.features.data.map((value) => value * 1000)), metrics)];
    for (const metric of metrics) {
      for (const split of ['train', 'held_out']) {
        const value = valueOf(before, metric, split);
        expect(valueOf(moved, metric, split), metric).toBeCloseTo(value, 10);
        expect(valueOf(scaled, metric, split), metric).toBeCloseTo(value + (metric === 'embedding_entropy' ? 8 * Math.log(1000) : 0), 5);
      }
    }
  });

  test('do not change with a rotation, and, but for those of directions, not with a shift', async () => {
    const before = await measure(engine, layer, metrics);
    const turned = await measure(engine, rotated(layer, 5), metrics);
    const shifted = await measure(engine, withFeatures(layer, layer.features.data.map((value) => value + 100)), metrics);
    for (const metric of metrics) {
      expect(valueOf(turned, metric, 'train'), metric).toBeCloseTo(valueOf(before, metric, 'train'), 5);
      if (metric !== 'uniformity' && metric !== 'clid') expect(valueOf(shifted, metric, 'train'), metric).toBeCloseTo(valueOf(before, metric, 'train'), 5);
    }
  });

  test('are the same in float32 and float64, and at the ends of the range of numbers', async () => {
    const narrow = withFeatures(layer, Float32Array.from(layer.features.data));
    const wide = withFeatures(layer, Float64Array.from(narrow.features.data));
    const [a, b] = [await measure(engine, narrow, metrics), await measure(engine, wide, metrics)];
    for (const metric of metrics) expect(valueOf(a, metric, 'train'), metric).toBeCloseTo(valueOf(b, metric, 'train'), 10);
    for (const power of [-990, 990]) {
      const extreme = await measure(engine, withFeatures(layer, wide.features.data.map((value) => value * 2 ** power)), metrics);
      for (const metric of metrics) {
        const wanted = valueOf(b, metric, 'train') + (metric === 'embedding_entropy' ? 8 * power * Math.LN2 : 0);
        expect(valueOf(extreme, metric, 'train') / wanted, `${metric} at 2^${power}`).toBeCloseTo(1, 6);
      }
    }
  });

  test('say why there is no value', async () => {
    const broken = clusteredLayer({ train: 40, heldOut: 40, views: 2, d: 4 }, 1, 1);
    broken.features.data[5] = NaN;
    for (const record of await measure(engine, broken, metrics)) {
      if (record.split === 'train') expect(record).toMatchObject({ value: null, warnings: ['1 of 80 rows is NaN or infinite (first: row 1).'] });
      else expect(record.value, record.metric).not.toBeNull();
    }
    for (const rows of [[[1, 2, 3]], Array.from({ length: 40 }, () => [1, 2, 3]), Array.from({ length: 40 }, () => [0, 0, 0])]) {
      for (const record of await measure(engine, points(rows), metrics)) {
        // Equal rows have the uniformity of a collapse, and that is all.
        if (record.metric === 'uniformity' && rows.length > 1 && rows[0]?.[0] === 1) expect(record.value).toBeCloseTo(0, 12);
        else {
          expect(record.value, record.metric).toBeNull();
          expect(record.warnings.length, record.metric).toBeGreaterThan(0);
        }
      }
    }
  });

  test('end with what the checkpoint throws', async () => {
    const part = partRows(clusteredLayer({ train: 50, heldOut: 0, views: 2, d: 5 }, 1, 1), 'train') as PartRows;
    for (const family of neighboursFamilies) {
      const cancelled = { engine, checkpoint: () => { throw new Error('cancelled'); } };
      await expect(family.measurePart(part, layer, { eps2: 0.5, seed: 0, partition: 'views', clusters: 10 }, cancelled), family.id).rejects.toThrow('cancelled');
    }
  });

  test('with one view more in some samples leave it out, but for uniformity, and say so', async () => {
    const one = clusteredLayer({ train: 40, heldOut: 0, views: 2, d: 6 }, 1, 1);
    const sample = Int32Array.from(one.sample, (own, row) => (row === 79 ? 0 : own));
    const found = await measure(engine, { ...one, sample }, metrics);
    expect(find(found, 'twonn_dim', 'train').warnings[0]).toBe('Every view is taken once a sample: samples have from 1 views on, and 40 further rows take no part.');
    expect(find(found, 'uniformity', 'train').n).toBe(80);
  });
});

describe('uniformity', () => {
  test('of two opposite rows is -8, of orthogonal rows -4, of equal directions 0', async () => {
    expect(valueOf(await measure(engine, points([[3, 0], [-0.1, 0]]), ['uniformity']), 'uniformity', 'train')).toBeCloseTo(-8, 6);
    const orthogonal = Array.from({ length: 12 }, (_, i) => Float64Array.from({ length: 12 }, (_, j) => Number(i === j)));
    expect(valueOf(await measure(engine, points(orthogonal), ['uniformity']), 'uniformity', 'train')).toBeCloseTo(-4, 6);
    expect(valueOf(await measure(engine, points([[1, 1], [2, 2], [7, 7]]), ['uniformity']), 'uniformity', 'train')).toBeCloseTo(0, 12);
  });

  test('keeps its digits in a collapsed layer', async () => {
    // Angles of 1e-6: squared distances 1e-12, 1e-12 and 4e-12.
    const value = valueOf(await measure(engine, points([[1, 0], [1, 1e-6], [1, -1e-6]]), ['uniformity']), 'uniformity', 'train');
    expect(value / -4e-12).toBeCloseTo(1, 6);
  });

  test('says what pairs of views of one sample add where they matter', async () => {
    const tight = find(await measure(engine, clusteredLayer({ train: 20, heldOut: 0, views: 8, d: 30 }, 0.01, 1), ['uniformity']), 'uniformity', 'train');
    const between = tight.details?.between_samples as number;
    expect(tight.warnings.at(-1)).toBe(`Pairs of views of one sample (4.4 % of all) raise the value: over pairs of different samples it is ${between.toPrecision(4)}.`);
    expect(between).toBeLessThan(-3);
    expect(tight.value).toBeGreaterThan(-3);
    const single = find(await measure(engine, clusteredLayer({ train: 80, heldOut: 0, views: 1, d: 30 }, 1, 1), ['uniformity']), 'uniformity', 'train');
    expect(single.details).toBeUndefined();
    expect(single.warnings).toEqual([]);
  });

  test('has an interval about as wide as its spread over probes drawn anew, and at most 1.41 times as wide where rows are perfectly even', async () => {
    const ratioOfErrors = async (shift: number) => {
      const values: number[] = [];
      const errors: number[] = [];
      for (let draw = 0; draw < 60; draw++) {
        const layer = clusteredLayer({ train: 64, heldOut: 0, views: 2, d: 3 }, 0.3, 100 + draw);
        const shifted = withFeatures(layer, layer.features.data.map((value) => value + shift));
        const record = find(await measure(engine, shifted, ['uniformity']), 'uniformity', 'train');
        values.push(record.value as number);
        errors.push(record.uncertainty?.standardError as number);
      }
      const mean = sum(values) / 60;
      return sum(errors) / 60 / Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / 59);
    };
    const skewed = await ratioOfErrors(1);
    expect(skewed).toBeGreaterThan(0.75);
    expect(skewed).toBeLessThan(1.25);
    const even = await ratioOfErrors(0);
    expect(even).toBeGreaterThan(1);
    expect(even).toBeLessThan(1.41 * 1.2);
  });
});

describe('TwoNN', () => {
  test('is N over the sum of log ratios, by hand', async () => {
    // On a line at 0, 1, 3, 7: ratios 3/1, 2/1, 3/2, 6/4.
    const record = find(await measure(engine, points([[0], [1], [3], [7]]), ['twonn_dim']), 'twonn_dim', 'train');
    expect(record.value).toBeCloseTo(4 / Math.log(3 * 2 * 1.5 * 1.5), 12);
    expect(record.options).toMatchObject({ estimator: 'mle', discarded: 0, neighbours: 'same view of other samples' });
    expect(record.details?.largest_ratio).toBeCloseTo(3, 12);
    // Sorted 1.5, 1.5, 2, 3; three of four are kept: F = 1/4, 2/4, 3/4.
    const [x, y] = [[1.5, 1.5, 2].map(Math.log), [0.75, 0.5, 0.25].map((one) => -Math.log(one))];
    expect(record.details?.line_fit).toBeCloseTo(sum(x.map((one, i) => one * (y[i] as number))) / sum(x.map((one) => one * one)), 12);
  });

  test('finds the dimension of a sheet in a wide space, with an interval around it', async () => {
    const [u, v] = gaussianPoints(2, 40, 9) as [Float64Array, Float64Array];
    const random = new Random(2);
    const rows = Array.from({ length: 800 }, () => {
      const [a, b] = [random.next32() / 2 ** 32, random.next32() / 2 ** 32];
      return u.map((value, j) => a * value + b * (v[j] as number));
    });
    const record = find(await measure(engine, points(rows), ['twonn_dim']), 'twonn_dim', 'train');
    expect(record.value).toBeGreaterThan(1.85);
    expect(record.value).toBeLessThan(2.15);
    expect(record.uncertainty?.standardError).toBeGreaterThan(0.04);
    expect(record.uncertainty?.standardError).toBeLessThan(0.1);
  });

  test('looks for neighbours among other samples, so that near-identical views do not count as neighbours', async () => {
    const single = clusteredLayer({ train: 200, heldOut: 0, views: 1, d: 4 }, 0, 1);
    const many = makeLayer({ train: 200, heldOut: 0, views: 4, d: 4 }, (sample, view) =>
      single.features.data.slice(sample * 4, sample * 4 + 4).map((value) => value * (1 + 1e-9 * view)));
    const [a, b] = [await measure(engine, single, ['twonn_dim', 'mst_dim']), await measure(engine, many, ['twonn_dim', 'mst_dim'])];
    expect(valueOf(b, 'twonn_dim', 'train')).toBeCloseTo(valueOf(a, 'twonn_dim', 'train'), 6);
    expect(Math.abs(valueOf(b, 'mst_dim', 'train') - valueOf(a, 'mst_dim', 'train'))).toBeLessThan(0.3);
  });

  test('counts exact copies once and says so, and is null where all neighbours are equally far', async () => {
    const copied = find(await measure(engine, points([[0], [1], [3], [7], [3], [3]]), ['twonn_dim']), 'twonn_dim', 'train');
    expect(copied.value).toBeCloseTo(4 / Math.log(3 * 2 * 1.5 * 1.5), 12);
    expect(copied.warnings[0]).toBe("2 of 6 rows are exact copies of another sample's row in the same view and are left out.");
    const simplex = Array.from({ length: 5 }, (_, i) => Float64Array.from({ length: 5 }, (_, j) => Number(i === j)));
    expect(find(await measure(engine, points(simplex), ['twonn_dim']), 'twonn_dim', 'train')).toMatchObject({
      value: null,
      warnings: ['The two nearest neighbours of every row are equally far: no number of dimensions fits.', expect.stringContaining('Only 5 samples')],
    });
  });
});

describe('spanning-tree dimension', () => {
  test('of a curve is 1, of a filled square 2, each in a wide space', async () => {
    const random = new Random(4);
    const curve = Array.from({ length: 400 }, () => {
      const t = 12 * (random.next32() / 2 ** 32);
      return Float64Array.of(Math.cos(t), Math.sin(t), 0.3 * t, 0, 0);
    });
    const plane = Array.from({ length: 400 }, () => Float64Array.of(random.next32() / 2 ** 32, 0, random.next32() / 2 ** 32, 0, 0));
    const ofCurve = find(await measure(engine, points(curve), ['mst_dim']), 'mst_dim', 'train');
    expect(ofCurve.value).toBeGreaterThan(0.9);
    expect(ofCurve.value).toBeLessThan(1.1);
    const ofPlane = find(await measure(engine, points(plane), ['mst_dim']), 'mst_dim', 'train');
    expect(ofPlane.value).toBeGreaterThan(1.8);
    expect(ofPlane.value).toBeLessThan(2.2);
    expect(ofPlane.value).toBeCloseTo(1 / (1 - (ofPlane.details?.slope as number)), 12);
    expect(ofPlane.details?.r2).toBeGreaterThan(0.99);
    expect(ofPlane).toMatchObject({ seed: 0, options: { sizes: 'N/8 ... 7N/8', shuffles: 5 } });
  });

  test('is repeatable for a seed, and needs 32 samples', async () => {
    const layer = clusteredLayer({ train: 40, heldOut: 31, views: 2, d: 3 }, 1, 1);
    const values = [];
    for (const seed of [0, 0, 1]) values.push(valueOf(await measure(engine, layer, ['mst_dim'], { seed }), 'mst_dim', 'train'));
    expect(values[1]).toBe(values[0]);
    expect(values[2]).not.toBe(values[0]);
    expect(find(await measure(engine, layer, ['mst_dim']), 'mst_dim', 'held_out')).toMatchObject({
      value: null,
      warnings: ['Needs 32 different samples, so that trees of several sizes can be grown; there are 31.', expect.any(String)],
    });
    await expect(measure(engine, layer, ['mst_dim'], { seed: 0.5 })).rejects.toThrow('The seed must be a whole number, not 0.5.');
  });
});

describe('embedding entropy', () => {
  test('of Gaussian samples is near m/2 log(2 pi e), and of a smaller spread as much lower', async () => {
    const wide = find(await measure(engine, points(gaussianPoints(1500, 3)), ['embedding_entropy']), 'embedding_entropy', 'train');
    const exact = 1.5 * Math.log(2 * Math.PI * Math.E);
    expect(Math.abs((wide.value as number) - exact)).toBeLessThan(0.1);
    expect(wide.options).toMatchObject({ m: 3, k: 3 });
    expect(wide.warnings).toEqual(['Taken in 3 dimensions instead of 8: the rows have no more. It does not compare with others.']);
    expect(wide.details?.explained_variance).toBeCloseTo(1, 12);
    expect(wide.uncertainty?.low).toBeLessThan(exact);
    expect(wide.uncertainty?.high).toBeGreaterThan(exact);
    const narrow = await measure(engine, points(gaussianPoints(1500, 3).map((row) => row.map((value) => value / 10))), ['embedding_entropy']);
    expect(valueOf(narrow, 'embedding_entropy', 'train')).toBeCloseTo((wide.value as number) - 3 * Math.log(10), 10);
  });

  test('sees only the eight widest directions, without standardizing them', async () => {
    const rows = gaussianPoints(300, 8).map((row) => row.map((value, j) => value * (8 - j)));
    const padded = rows.map((row, i) => Float64Array.of(...row, ...Array.from({ length: 30 }, (_, j) => 1e-7 * Math.sin(i * 31 + j * 7))));
    const [a, b] = [await measure(engine, points(rows), ['embedding_entropy']), await measure(engine, points(padded), ['embedding_entropy'])];
    expect(valueOf(b, 'embedding_entropy', 'train')).toBeCloseTo(valueOf(a, 'embedding_entropy', 'train'), 6);
  });

  test('warns of flat directions, and is null where a row agrees with three others in all components', async () => {
    const flat = gaussianPoints(100, 10).map((row) => row.map((value, j) => (j < 4 ? value : value * 1e-6)));
    expect(find(await measure(engine, points(flat), ['embedding_entropy']), 'embedding_entropy', 'train').warnings).toEqual([
      '4 of the 8 components are flat (variance below 1e-9 of the widest): the entropy says little more than that.',
    ]);
    const few = await measure(engine, points([[0, 1], [1, 0], [2, 5]]), ['embedding_entropy']);
    expect(find(few, 'embedding_entropy', 'train').warnings[0]).toBe('Needs more than 3 different samples to have a third neighbour; there are 3.');
  });
});

describe('CLID', () => {
  test('has a learnability of 1 for clear groups, and adds the dimension as a share of the width', async () => {
    const random = new Random(3);
    // Four directions, 64 samples each a little off one of them; k = floor(sqrt 64) = 8 clusters cut each group in two or so.
    const rows = Array.from({ length: 64 }, (_, i) => Float64Array.from({ length: 8 }, (_, j) => (j === i % 8 ? 1 : 0) + 0.01 * random.gaussian()));
    const record = find(await measure(engine, points(rows), ['clid']), 'clid', 'train');
    expect(record.details?.learnability).toBe(1);
    expect(record.value).toBeCloseTo(1 + (record.details?.twonn_dim as number) / 8, 12);
    expect(record.options).toMatchObject({ k: 8, neighbours: 1, distance: 'cosine', combination: 'learnability + dimension / width' });
    expect(record.details?.twonn_dim).toBeCloseTo(valueOf(await measure(engine, points(rows), ['twonn_dim']), 'twonn_dim', 'train'), 12);
  });

  test('has an interval whose replicates centre on the value', async () => {
    const layer = clusteredLayer({ train: 100, heldOut: 0, views: 2, d: 10 }, 0.5, 1);
    const part = partRows(layer, 'train') as PartRows;
    for (const family of neighboursFamilies) {
      const values = await family.measurePart(part, layer, { eps2: 0.5, seed: 0, partition: 'views', clusters: 10 }, { engine, checkpoint: () => undefined });
      for (const [metric, { value, form }] of Object.entries(values)) {
        if (metric === 'mst_dim') continue;
        if (!form || value === null) throw new Error(metric);
        const replicates = bootstrapReplicates(form, 0, 0);
        const mean = sum(replicates) / replicates.length;
        const error = Math.sqrt(sum(replicates.map((one) => (one - mean) ** 2)) / replicates.length);
        expect(Math.abs(mean - value) / error, metric).toBeLessThan(0.3);
      }
    }
  });

  test('needs 16 samples, and rows that have a direction', async () => {
    const few = find(await measure(engine, clusteredLayer({ train: 15, heldOut: 0, views: 2, d: 4 }, 1, 1), ['clid']), 'clid', 'train');
    expect(few).toMatchObject({ value: null, warnings: ['Needs 16 different samples to form clusters; there are 15.', expect.any(String)] });
    const dead = clusteredLayer({ train: 20, heldOut: 0, views: 1, d: 4 }, 1, 1);
    dead.features.data.fill(0, 8, 12);
    expect(find(await measure(engine, dead, ['clid', 'twonn_dim']), 'clid', 'train').warnings).toEqual(['1 of 20 rows is all zero and so without direction (first: row 2).']);
  });
});
