import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { singularValuesDirect } from '../../../src/linalg/singularValues';
import type { LayerFeatures } from '../../../src/metrics';
import { Random } from '../../../src/metrics/random';
import { lidar } from '../../../src/metrics/spectrum/lidar';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

async function only(layer: LayerFeatures, metric: string) {
  return find(await measure(engine, layer, [metric]), metric, 'train');
}

/** One view a sample. */
function rows(values: readonly (readonly number[])[]): LayerFeatures {
  return makeLayer({ train: values.length, heldOut: 0, views: 1, d: values[0]?.length ?? 0 }, (sample) => values[sample] as number[]);
}

/** Rows of Hadamard columns are orthogonal: column j of a 64-row pattern, times its strength. */
function orthogonalColumns(strengths: readonly number[]): LayerFeatures {
  const parity = (bits: number): number => (bits === 0 ? 0 : (bits & 1) ^ parity(bits >>> 1));
  return makeLayer({ train: 64, heldOut: 0, views: 1, d: strengths.length }, (row) =>
    strengths.map((strength, j) => strength * (parity(row & (j + 1)) === 1 ? -1 : 1)),
  );
}

describe('stable rank and NESum', () => {
  test('are the sum of the squared singular values over the largest of them, with and without the mean', async () => {
    // Orthogonal columns without a mean: squares 9, 4, 1 times 64.
    const layer = orthogonalColumns([3, 2, 1]);
    expect((await only(layer, 'stable_rank')).value).toBeCloseTo(14 / 9, 13);
    expect((await only(layer, 'nesum')).value).toBeCloseTo(14 / 9, 13);
    // A mean of (0, 0, 10) adds 100 along the third column, which is orthogonal to the others.
    const shifted = withFeatures(layer, layer.features.data.map((value, i) => (i % 3 === 2 ? value + 10 : value)));
    expect((await only(shifted, 'stable_rank')).value).toBeCloseTo(114 / 101, 13);
    expect((await only(shifted, 'nesum')).value).toBeCloseTo(14 / 9, 13);
    expect((await only(shifted, 'nesum')).options).toEqual({ centred: true, normalisation: 'none' });
  });
});

describe('alpha-ReQ', () => {
  const strengths = (length: number, of: (j: number) => number) => Array.from({ length }, (_, i) => of(i + 1));

  test('of an exact power law is its exponent, over 11 to 50, with R2 of 1', async () => {
    const record = await only(orthogonalColumns(strengths(60, (j) => j ** -0.6)), 'alpha_req');
    expect(record.value).toBeCloseTo(1.2, 9);
    expect(record.options).toEqual({ centred: true, normalisation: 'none', weights: '1/j', from: 11, to: 50 });
    expect(record.details?.['r2']).toBeCloseTo(1, 12);
  });

  test('falls back to 11 to 20 where the wide range follows no law, and keeps the wide fit beside it', async () => {
    const record = await only(orthogonalColumns(strengths(60, (j) => (j <= 20 ? j ** -0.5 : 0.2))), 'alpha_req');
    expect(record.value).toBeCloseTo(1, 9);
    expect(record.options).toMatchObject({ from: 11, to: 20 });
    expect(record.details?.['r2_wide']).toBeLessThan(0.95);
    expect(record.details?.['alpha_wide']).not.toBeCloseTo(1, 2);
    expect(record.warnings).toEqual([]);
  });

  test('takes 11 to 20 where there are 20 to 49 eigenvalues, and says when that follows no law either', async () => {
    const record = await only(orthogonalColumns(strengths(30, (j) => (j <= 15 ? 1 : 0.5))), 'alpha_req');
    expect(record.options).toMatchObject({ from: 11, to: 20 });
    expect(record.warnings).toEqual([expect.stringMatching(/^The eigenvalues 11 to 20 follow no power law: R2 is 0\.\d+\.$/)]);
  });

  test('of equal eigenvalues is 0', async () => {
    expect((await only(orthogonalColumns(strengths(60, () => 1)), 'alpha_req')).value).toBeCloseTo(0, 9);
  });

  test('is not taken from eigenvalues that are rounding', async () => {
    const record = await only(orthogonalColumns(strengths(60, (j) => (j <= 19 ? 1 : 1e-5))), 'alpha_req');
    expect(record).toMatchObject({ value: null, warnings: ['The fit needs 20 eigenvalues; 19 of 60 are above 1e-8 of the largest.'] });
  });
});

describe('feature deviation', () => {
  test('is the mean standard deviation of rows of length 1, by hand', async () => {
    // Rows become e1, e2, e1, e2: each dimension is 1, 0, 1, 0 with variance 1/3.
    const record = await only(rows([[3, 0], [0, 2], [1, 0], [0, 9]]), 'feature_std');
    expect(record.value).toBeCloseTo(Math.sqrt(1 / 3), 14);
    expect(record.details?.['isotropic']).toBeCloseTo(Math.SQRT1_2, 15);
  });

  test('of directions spread alike is one over the root of the width', async () => {
    const value = valueOf(await measure(engine, clusteredLayer({ train: 500, heldOut: 0, views: 2, d: 40 }, 5, 3), ['feature_std']), 'feature_std', 'train');
    expect(value * Math.sqrt(40)).toBeCloseTo(1, 1);
  });

  test('keeps its digits where rows nearly agree', async () => {
    const record = await only(rows([[1, 1e-9], [1, -1e-9], [1, 1e-9], [1, -1e-9]]), 'feature_std');
    // The first dimension is 1 to the last bit, the second +-1e-9.
    expect((record.value as number) / (Math.sqrt(4 / 3) * 0.5e-9)).toBeCloseTo(1, 12);
  });

  test('has an interval as wide as its values scatter over probes', async () => {
    const of = async (seed: number) => {
      const layer = clusteredLayer({ train: 64, heldOut: 0, views: 2, d: 3 }, 0.3, seed);
      return only(withFeatures(layer, layer.features.data.map((value, i) => value * (1 + (i % 3)) + 2)), 'feature_std');
    };
    const records = await Promise.all(Array.from({ length: 60 }, (_, seed) => of(seed)));
    const values = records.map(({ value }) => value as number);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const scatter = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
    const stated = records.reduce((sum, { uncertainty }) => sum + (uncertainty?.standardError ?? NaN), 0) / records.length;
    expect(stated / scatter).toBeGreaterThan(0.75);
    expect(stated / scatter).toBeLessThan(1.33);
  });
});

describe('SelfCluster', () => {
  test('is that of the example in the code of its authors', async () => {
    // Squared cosines sum to 8 where 10 are expected: (8 - 10) / (16 - 10).
    expect((await only(rows([[1, 1], [1, -1], [-1, 1], [-1, -1]]), 'self_cluster')).value).toBeCloseTo(-1 / 3, 14);
  });

  test('is 1 for rows that agree, 0 for random directions, on either side of the matrix', async () => {
    expect((await only(rows([[1, 2, 3], [2, 4, 6], [-1, -2, -3]]), 'self_cluster')).value).toBeCloseTo(1, 14);
    for (const [train, d] of [[400, 30], [100, 300]] as const) {
      expect((await only(clusteredLayer({ train, heldOut: 0, views: 1, d }, 1, 2), 'self_cluster')).value).toBeCloseTo(0, 2);
    }
  });

  test('has no meaning in one dimension', async () => {
    expect(await only(rows([[1], [2]]), 'self_cluster')).toMatchObject({ value: null, warnings: ['In one dimension all rows point along one line.'] });
  });
});

describe('coherence', () => {
  test('is 1 when all rows have the same leverage and n/r when one row stands alone', async () => {
    expect((await only(orthogonalColumns([5, 1, 0.01]), 'coherence')).value).toBeCloseTo(1, 12);
    // The first row alone has the second direction: leverage 1, n = 5, r = 2.
    const alone = await only(rows([[0, 7], [1, 0], [1, 0], [1, 0], [1, 0]]), 'coherence');
    expect(alone.value).toBeCloseTo(5 / 2, 12);
    expect(alone.details).toEqual({ rank: 2 });
  });

  test('does not change when the features are put through any invertible matrix', async () => {
    const layer = clusteredLayer({ train: 40, heldOut: 0, views: 2, d: 6 }, 1, 4);
    const sheared = withFeatures(layer, layer.features.data.map((value, i) => value * 10 ** (i % 6) + (i % 6 > 0 ? (layer.features.data[i - 1] as number) : 0)));
    const [a, b] = [await only(layer, 'coherence'), await only(sheared, 'coherence')];
    expect((b.value as number) / (a.value as number)).toBeCloseTo(1, 8);
  });

  test('of features of lower rank is that of their span, whatever the rounding in them', async () => {
    const random = new Random(3);
    const [n, d, rank] = [90, 40, 7];
    const narrow = clusteredLayer({ train: n, heldOut: 0, views: 1, d: rank }, 1, 6);
    const mix = Float64Array.from({ length: rank * d }, () => random.gaussian());
    const data = new Float64Array(n * d);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) {
        for (let k = 0; k < rank; k++) data[i * d + j] = (data[i * d + j] as number) + (narrow.features.data[i * rank + k] as number) * (mix[k * d + j] as number);
      }
    }
    const wide = withFeatures(narrow, data, d);
    const wanted = await only(narrow, 'coherence');
    const found = await only(wide, 'coherence');
    expect(found.details).toEqual({ rank });
    expect((found.value as number) / (wanted.value as number)).toBeCloseTo(1, 10);
    const single = await only(withFeatures(narrow, Float32Array.from(data), d), 'coherence');
    expect(single.details).toEqual({ rank });
    expect((single.value as number) / (wanted.value as number)).toBeCloseTo(1, 4);
    // More dimensions than rows, every row there twice: rank 10 of 20 rows.
    const own = Float64Array.from({ length: 10 * d }, () => random.gaussian());
    const twice = makeLayer({ train: 10, heldOut: 0, views: 2, d }, (sample) => own.slice(sample * d, (sample + 1) * d));
    const doubled = await only(twice, 'coherence');
    expect(doubled.details).toEqual({ rank: 10 });
    expect(doubled.value).toBeCloseTo(1, 10);
  });

  test('is not taken where the rank is a matter of rounding, or the rows are independent', async () => {
    const falling = await only(orthogonalColumns(Array.from({ length: 20 }, (_, j) => 10 ** (-0.45 * j))), 'coherence');
    expect(falling).toMatchObject({ value: null, warnings: ['The singular values fall below 0.000001 of the largest without a gap (0.000001, then 5e-7), so the rank is not certain.'] });
    const few = await only(clusteredLayer({ train: 4, heldOut: 0, views: 2, d: 9 }, 1, 1), 'coherence');
    expect(few.warnings).toEqual(['The rows (8) are linearly independent, so that the coherence would be 1 whatever they are.']);
  });
});

describe('pseudo-condition number', () => {
  test('is the smallest singular value over the largest, also where squares would lose it', async () => {
    for (const least of [0.5, 1e-4, 1e-7, 1e-10]) {
      const record = await only(orthogonalColumns([1, 0.8, least, 0.9]), 'pseudo_condition');
      expect((record.value as number) / least, `${least}`).toBeCloseTo(1, 5);
      expect(record.warnings).toEqual([]);
    }
  });

  test('keeps six digits of a small value in rotated directions, on either side of the matrix', async () => {
    for (const d of [12, 80]) {
      const random = new Random(9);
      const n = 30;
      // Two random rows or columns that differ by 1e-8 of their length, among others.
      const data = Float64Array.from({ length: n * d }, () => random.gaussian());
      if (d < n) for (let i = 0; i < n; i++) data[i * d + 1] = (data[i * d] as number) + 2 ** -27 * (data[i * d + 1] as number);
      else for (let j = 0; j < d; j++) data[d + j] = (data[j] as number) + 2 ** -27 * (data[d + j] as number);
      const layer = withFeatures(clusteredLayer({ train: n, heldOut: 0, views: 1, d }, 1, 1), data, d);
      const values = singularValuesDirect(layer.features);
      const wanted = (values[0] as number) / (values.at(-1) as number);
      expect(wanted).toBeLessThan(1e-8);
      expect(((await only(layer, 'pseudo_condition')).value as number) / wanted).toBeCloseTo(1, 5);
    }
  });

  test('is 0 when a feature is always zero or a combination of others, and says so', async () => {
    const zero = await only(orthogonalColumns([1, 0, 1]), 'pseudo_condition');
    expect(zero).toMatchObject({ value: 0, warnings: ['1 of 3 features are always zero.'] });
    const layer = clusteredLayer({ train: 70, heldOut: 0, views: 1, d: 5 }, 1, 1);
    const dependent = withFeatures(layer, layer.features.data.map((value, i, data) => (i % 5 === 4 ? (data[i - 1] as number) + (data[i - 2] as number) : value)));
    expect(await only(dependent, 'pseudo_condition')).toMatchObject({ value: 0, warnings: ['The features are linearly dependent to rounding.'] });
  });
});

describe('LiDAR', () => {
  test('is exp of the entropy of the shares, with 1e-8 added to each', () => {
    const p = 1 / 3 + 1e-8;
    expect(lidar([2, 2, 2], 3)).toBeCloseTo(Math.exp(-3 * p * Math.log(p)), 13);
    expect(lidar([5], 2)).toBeCloseTo(Math.exp(-(1 + 1e-8) * Math.log(1 + 1e-8) - 1e-8 * Math.log(1e-8)), 13);
  });

  /** Four samples at (+-a, +-b); views at +-s along each axis. */
  const cross = (a: number, b: number, s: number, tilt: number) =>
    makeLayer({ train: 4, heldOut: 0, views: 4, d: 2 }, (sample, view) => {
      const [x, y] = [sample & 1 ? a : -a, sample & 2 ? b : -b];
      const step = view & 1 ? s : -s;
      return view & 2 ? [x + tilt * step, y] : [x, y + step];
    });

  test('divides what samples differ by through what views differ by, by hand', async () => {
    // Between: a^2 4/3 and b^2 4/3. Within: 8 views of +-tilt s and 8 of +-s, over 12 degrees of freedom.
    const within = (s: number) => (8 * s * s) / 12 + 1e-4;
    const wanted = lidar([9 / within(0.3), 4 / within(0.1)], 2);
    expect((await only(cross(3, 2, 0.1, 3), 'lidar')).value).toBeCloseTo(wanted, 9);
    // Spread as the views are, both directions count alike.
    expect((await only(cross(3, 1, 0.1, 3), 'lidar')).value).toBeCloseTo(2, 1);
  });

  test('has the same value from views far apart and so close that their scatter is no difference of others', async () => {
    // 1e-4 added to a covariance of 1e6 and more, and the scatter within a ten-thousandth of the total.
    const close = await only(cross(3e5, 2e5, 1e3, 3), 'lidar');
    expect(close.value).toBeCloseTo(lidar([1, 4], 2), 6);
  });

  test('counts samples and views that it needs and says which are missing', async () => {
    const one = await only(clusteredLayer({ train: 9, heldOut: 0, views: 1, d: 3 }, 1, 1), 'lidar');
    expect(one.warnings).toEqual(['No sample has two views, so there is no covariance within samples.']);
    const single = await only(clusteredLayer({ train: 1, heldOut: 0, views: 9, d: 3 }, 1, 1), 'lidar');
    expect(single.warnings).toEqual(['Only one sample has two views, so there is no covariance between samples.']);
    const wide = await only(clusteredLayer({ train: 6, heldOut: 0, views: 3, d: 13 }, 1, 1), 'lidar');
    expect(wide).toMatchObject({ value: null, warnings: ['The covariance within samples has rank 12 at most in 13 dimensions: delta alone would decide on the rest.'] });
    const few = await only(clusteredLayer({ train: 6, heldOut: 0, views: 3, d: 12 }, 1, 1), 'lidar');
    expect(few.value).toBeLessThanOrEqual(5.001);
    expect(few.warnings).toContain('Only 6 samples in 12 dimensions: the value is at most 5.');
    expect(few.warnings).toContainEqual(expect.stringMatching(/^Only 12 differences within samples for 12 dimensions: their covariance is poorly known/));
  });

  test('leaves out samples with one view', async () => {
    const layer = clusteredLayer({ train: 8, heldOut: 0, views: 3, d: 4 }, 1, 1);
    // The last sample loses two of its views to samples of their own.
    const sample = Int32Array.from([...layer.sample.subarray(0, 21), 7, 8, 9]);
    const more = { ...layer, sample, sampleIds: Array.from({ length: 10 }, (_, i) => BigInt(i)), split: new Uint8Array(10), label: new Int32Array(10).fill(-1) };
    const fewer = clusteredLayer({ train: 7, heldOut: 0, views: 3, d: 4 }, 1, 1);
    const seven = withFeatures(fewer, layer.features.data.slice(0, 21 * 4));
    const [found, wanted] = [await only(more, 'lidar'), await only(seven, 'lidar')];
    expect(found.warnings).toContain('3 of 10 samples have one view and take no part.');
    expect((found.value as number) / (wanted.value as number)).toBeCloseTo(1, 9);
  });

  test('ignores features that are always zero, but for the addend of the definition', async () => {
    const layer = clusteredLayer({ train: 30, heldOut: 0, views: 3, d: 4 }, 1, 1);
    const padded = withFeatures(layer, Float64Array.from({ length: 90 * 6 }, (_, i) => (i % 6 < 4 ? (layer.features.data[Math.floor(i / 6) * 4 + (i % 6)] as number) : 0)), 6);
    const [found, wanted] = [await only(padded, 'lidar'), await only(layer, 'lidar')];
    expect(Math.log(found.value as number) - Math.log(wanted.value as number)).toBeCloseTo(-2e-8 * Math.log(1e-8), 10);
  });
});
