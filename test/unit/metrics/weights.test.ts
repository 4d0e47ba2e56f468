import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { type LayerMeasurement, type LayerWeights, measureWeights, weightCatalog, weightFamilies } from '../../../src/metrics';
import { pooledEigenvalues } from '../../../src/metrics/weights/eigenvalues';
import { fitMarchenkoPastur } from '../../../src/metrics/weights/marchenkoPastur';
import { weightMatrices } from '../../../src/metrics/weights/matrices';
import { fitPowerLaw } from '../../../src/metrics/weights/powerLaw';
import { gaussianMatrix } from '../linalg/matrices';
import { processorTime } from '../processorTime';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const context = () => ({ engine, checkpoint: () => undefined });
const all = weightCatalog.map(({ id }) => id);
const gaussian = (rows: number, columns: number, seed: number) => ({ shape: [rows, columns], data: Float32Array.from(gaussianMatrix(rows, columns, seed).data) });

async function measure(layer: Partial<LayerWeights>, ids: readonly string[] = all): Promise<Record<string, LayerMeasurement>> {
  const measured = await measureWeights({ layer: 'fc', layerIndex: 3, weights: gaussian(96, 64, 1), ...layer }, ids, context());
  return Object.fromEntries(measured.map((one) => [one.metric, one]));
}

/** The fit by its definition: every candidate, every place. */
function bruteForce(values: Float64Array): { alpha: number; xmin: number; distance: number } {
  let best = { alpha: NaN, xmin: NaN, distance: Infinity };
  for (let at = 0; at < values.length - 1; at++) {
    const tail = [...values.subarray(at)];
    const xmin = tail[0] as number;
    const alpha = 1 + tail.length / tail.reduce((sum, value) => sum + Math.log(value / xmin), 0);
    const distance = Math.max(...tail.map((value, k) => Math.abs(1 - (value / xmin) ** (1 - alpha) - k / tail.length)));
    if (distance < best.distance) best = { alpha, xmin, distance };
  }
  return best;
}

describe('the power law', () => {
  const samples = (count: number, seed: number, make: (u: number, g: number) => number): Float64Array => {
    const g = gaussianMatrix(1, 2 * count, seed).data;
    return Float64Array.from({ length: count }, (_, i) => make(0.5 + Math.atan(g[i] as number) / Math.PI, g[count + i] as number)).sort();
  };

  test.each([
    ['a pure one', samples(400, 3, (u) => u ** (-1 / 1.5))],
    ['one with a body below it', samples(700, 4, (u, g) => (g > 0 ? 2 * u ** (-1 / 2.2) : 1 + u))],
    ['squares of Gaussians', samples(300, 5, (_, g) => g * g + 1e-4)],
    ['one with repeated values', samples(200, 6, (u) => Math.ceil(20 * u ** (-1 / 1.2)) / 10)],
  ])('is the same as by trying everything: %s', (_, values) => {
    const fit = fitPowerLaw(values);
    const expected = bruteForce(values);
    expect(fit?.xmin).toBe(expected.xmin);
    expect(fit?.alpha).toBeCloseTo(expected.alpha, 9);
    expect(fit?.distance).toBeCloseTo(expected.distance, 9);
    expect(fit?.sigma).toBeCloseTo((expected.alpha - 1) / Math.sqrt(fit?.tail ?? 0), 9);
  });

  test('has nothing to say of equal values', () => {
    expect(fitPowerLaw(new Float64Array(80).fill(2))).toBeNull();
  });

  test('of 15000 values is found within seconds, and can be cancelled', () => {
    const values = samples(15_000, 7, (_, g) => Math.exp(g));
    const start = processorTime();
    fitPowerLaw(values);
    expect(processorTime() - start).toBeLessThan(10_000);
  });
});

describe('the random bulk', () => {
  test.each([1, 1.5, 4])('of pure noise with sides as %s has no spikes and an edge at the largest eigenvalue', async (ratio) => {
    const smaller = 120;
    const noise = gaussian(Math.round(ratio * smaller), smaller, 8);
    const eigenvalues = await pooledEigenvalues(noise, context());
    const fit = fitMarchenkoPastur(eigenvalues, ratio, smaller);
    expect(fit?.spikes).toBe(0);
    expect(fit?.softRank).toBeGreaterThan(0.9);
    expect(fit?.softRank).toBeLessThan(1.2);
  });

  test('counts the directions that were written into noise', async () => {
    const noise = gaussian(240, 120, 9);
    const [u, v] = [gaussianMatrix(240, 3, 10).data, gaussianMatrix(120, 3, 11).data];
    const data = noise.data.map((value, at) => {
      const [i, j] = [Math.floor(at / 120), at % 120];
      return value + [0, 1, 2].reduce((sum, k) => sum + 0.25 * (u[3 * i + k] as number) * (v[3 * j + k] as number), 0);
    });
    const fit = fitMarchenkoPastur(await pooledEigenvalues({ shape: [240, 120], data }, context()), 2, 120);
    expect(fit?.spikes).toBe(3);
    expect(fit?.softRank).toBeLessThan(0.4);
  });
});

describe('the matrices of a kernel', () => {
  const rowsOf = (shape: readonly number[], data: readonly number[]): number[][] => [...weightMatrices({ shape, data: Float32Array.from(data) })].map((one) => [...one.data]);

  test('are one for each position, with the kernel last as in PyTorch', () => {
    expect(rowsOf([3, 2, 1, 2], [0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51])).toEqual([[0, 10, 20, 30, 40, 50], [1, 11, 21, 31, 41, 51]]);
  });

  test('or first as in TensorFlow', () => {
    expect(rowsOf([1, 2, 3, 2], [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15])).toEqual([[0, 1, 2, 3, 4, 5], [10, 11, 12, 13, 14, 15]]);
  });

  test('their eigenvalues are looked at together', async () => {
    const kernel = { shape: [20, 9, 3, 3], data: Float32Array.from(gaussianMatrix(20, 81, 12).data) };
    const separate = [];
    for (const { rows, columns, data } of weightMatrices(kernel)) separate.push(...(await pooledEigenvalues({ shape: [rows, columns], data }, context())));
    expect([...(await pooledEigenvalues(kernel, context()))]).toEqual(separate.sort((a, b) => a - b));
    const { ww_alpha: alpha, spectral_norm: norm, frobenius_norm: size } = await measure({ weights: kernel });
    expect(alpha).toMatchObject({ n: 20, d: 9, views: 9, options: { conv2d_norm: true }, details: { eigenvalues: 81 } });
    expect(norm?.value).toBeCloseTo(Math.sqrt(Math.max(...separate)), 9);
    expect(size?.value).toBeCloseTo(Math.sqrt(separate.reduce((sum, value) => sum + value, 0)), 9);
  });
});

describe('the records', () => {
  test('are those of the catalog, without split and seed, each computed by one family', async () => {
    expect(weightFamilies.flatMap(({ metrics }) => metrics).sort()).toEqual([...all].sort());
    const measured = await measureWeights({ layer: 'fc', layerIndex: 3, weights: gaussian(96, 64, 1) }, all, context());
    expect(measured.map(({ metric }) => metric)).toEqual(all);
    for (const record of measured) {
      expect(record).toMatchObject({ layer: 'fc', layerIndex: 3, split: null, seed: null, n: 96, d: 64, views: 1, method: 1 });
      if (record.value === null) expect(record.warnings).toHaveLength(1);
      expect(JSON.parse(JSON.stringify(record))).toEqual(record);
    }
  });

  test('have no value where weights are NaN or infinite, but their number', async () => {
    const weights = gaussian(96, 64, 1);
    weights.data[5] = NaN;
    weights.data[6000] = -Infinity;
    const { nonfinite_count: count, ...others } = await measure({ weights, previous: { since: 'a', weights: gaussian(96, 64, 2), reason: '' } });
    expect(count?.value).toBe(2);
    for (const metric of ['ww_alpha', 'mp_softrank', 'spectral_norm', 'frobenius_norm', 'drift_prev']) {
      expect(others[metric]).toMatchObject({ value: null, warnings: ['2 of 6144 weights are NaN or infinite.'] });
    }
  });

  test('say why a small, a zero and a rank-one layer have no power law or entropy', async () => {
    const small = await measure({ weights: gaussian(96, 49, 1) });
    expect(small['ww_alpha']?.warnings).toEqual(['Only 49 eigenvalues; their distribution needs 50 at least.']);
    expect(small['mp_spikes']?.value).toBeNull();
    expect(small['ww_stable_rank']?.value).toBeGreaterThan(1);
    const zero = await measure({ weights: { shape: [96, 64], data: new Float32Array(96 * 64) } });
    expect(zero['ww_stable_rank']).toMatchObject({ value: null, warnings: ['All weights are zero.'] });
    expect([zero['spectral_norm']?.value, zero['frobenius_norm']?.value]).toEqual([0, 0]);
    const one = await measure({ weights: { shape: [96, 64], data: new Float32Array(96 * 64).fill(0.5) } });
    expect(one['ww_stable_rank']?.value).toBeCloseTo(1, 12);
    expect(one['ww_entropy']?.warnings).toEqual(['The rank is 1: there is nothing to divide the entropy by.']);
    expect(one['ww_alpha']?.warnings).toEqual(['Only 1 of 64 eigenvalues are above 0.00001; a power law needs 50.']);
  });

  test('do not depend on the precision or orientation of the matrix', async () => {
    const weights = gaussian(96, 64, 1);
    const turned = Float64Array.from({ length: 96 * 64 }, (_, at) => weights.data[(at % 96) * 64 + Math.floor(at / 96)] as number);
    const [a, b] = [await measure({ weights }), await measure({ weights: { shape: [64, 96], data: turned } })];
    for (const { metric, value } of Object.values(a)) {
      if (value === null) expect(b[metric]?.value).toBeNull();
      else expect(b[metric]?.value).toBeCloseTo(value, 9);
    }
  });

  test('overflow nowhere', async () => {
    const huge = { shape: [96, 64], data: Float64Array.from(gaussian(96, 64, 1).data, (value) => value * 1e120) };
    const { frobenius_norm: norm, ww_log_alpha_norm: alphaNorm } = await measure({ weights: huge });
    expect(norm?.value).toBeGreaterThan(1e121);
    expect(alphaNorm?.value).toBeGreaterThan(200);
  });
});

describe('distances', () => {
  const weights = gaussian(96, 64, 1);
  const moved = { shape: weights.shape, data: weights.data.map((value) => value * 1.5) };

  test('are in units of the weights that they are measured from, and name that checkpoint', async () => {
    const measured = await measure({ weights: moved, previous: { since: 'sha1:a', weights, reason: '' }, first: { since: 'sha1:b', weights: moved, reason: '' }, teacher: weights });
    expect(measured['drift_prev']?.value).toBeCloseTo(0.5, 6);
    expect(measured['drift_prev']?.options).toEqual({ since: 'sha1:a' });
    expect(measured['drift_first']).toMatchObject({ value: 0, options: { since: 'sha1:b' } });
    expect(measured['teacher_distance']?.value).toBeCloseTo(1 / 3, 6);
  });

  test('say why there is none', async () => {
    const none = await measure({ weights, previous: null, first: null, teacher: null });
    expect(none['drift_prev']).toMatchObject({ value: null, options: { since: '' }, warnings: ['There is no earlier checkpoint.'] });
    expect(none['teacher_distance']?.warnings).toEqual(['The checkpoint holds no teacher for this layer.']);
    const other = await measure({ weights, previous: { since: 'a', weights: gaussian(64, 96, 1), reason: '' }, first: { since: 'a', weights: { shape: [96, 64], data: new Float32Array(96 * 64) }, reason: '' } });
    expect(other['drift_prev']?.warnings).toEqual(['The shapes differ: [96, 64] and [64, 96].']);
    expect(other['drift_first']?.warnings).toEqual(['The weights to compare with are all zero.']);
  });
});

test('an unknown metric is refused by name, and a cancelled measurement ends', async () => {
  await expect(measure({}, ['rankme'])).rejects.toThrow(/no metric "rankme" of weights/);
  const checkpoint = () => {
    throw new Error('cancelled');
  };
  await expect(measureWeights({ layer: 'fc', layerIndex: 0, weights: gaussian(96, 64, 1) }, all, { engine, checkpoint })).rejects.toThrow('cancelled');
});
