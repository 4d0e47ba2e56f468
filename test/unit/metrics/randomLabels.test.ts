import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import type { LayerFeatures } from '../../../src/metrics';
import { hash64, Random, randomLabel } from '../../../src/metrics/random';
import { fitSoftmaxHeads, predictClasses } from '../../../src/metrics/softmaxRegression';
import { gaussianMatrix } from '../linalg/matrices';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const family = ['random_label_fit', 'random_label_transfer', 'random_label_control'];

describe('random numbers', () => {
  test('labels depend on seed, head and id only, and are even over classes', () => {
    const labels = Array.from({ length: 10_000 }, (_, id) => randomLabel(0, 0, BigInt(id), 10));
    const counts = Array.from({ length: 10 }, (_, label) => labels.filter((one) => one === label).length);
    // Chi-square with 9 degrees of freedom stays below 27.9 in 999 of 1000 draws.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(27.9);
    expect(randomLabel(0, 0, 5n, 10)).toBe(labels[5]);
    const other = Array.from({ length: 10_000 }, (_, id) => randomLabel(0, 1, BigInt(id), 10));
    const agreement = labels.filter((label, id) => label === other[id]).length;
    expect(Math.abs(agreement - 1000)).toBeLessThan(120);
    expect(Array.from({ length: 100 }, (_, id) => randomLabel(1, 0, BigInt(id), 10))).not.toEqual(labels.slice(0, 100));
  });

  test('SplitMix64 gives its published first number', () => {
    // Seed 0 of the reference implementation: 0xe220a8397b1dcdaf.
    expect(hash64()).toBe(0xe220a8397b1dcdafn);
  });

  test('Gaussians have mean 0, variance 1 and the tails of the normal distribution', () => {
    const random = new Random(11);
    const values = Float64Array.from({ length: 100_000 }, () => random.gaussian());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.012);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
    expect(values.filter((value) => Math.abs(value) > 1.96).length / values.length).toBeCloseTo(0.05, 2);
  });
});

describe('softmax heads', () => {
  test('reach the minimum: the gradient in the original variables vanishes', async () => {
    const rows = gaussianMatrix(120, 6, 1);
    for (let i = 0; i < rows.data.length; i++) rows.data[i] = (rows.data[i] as number) * 10 ** ((i % 6) - 2);
    const labels = [0, 1].map((head) => Uint8Array.from({ length: 120 }, (_, row) => randomLabel(0, head, BigInt(row), 4)));
    const l2 = 1e-4;
    const fitted = await fitSoftmaxHeads(rows, labels, { classes: 4, l2, iterationLimit: 500 }, { engine, checkpoint: () => undefined });
    expect(fitted.converged).toBe(2);
    expect([fitted.weights.rows, fitted.weights.columns]).toEqual([7, 8]);
    for (const [head, own] of labels.entries()) {
      const weight = (i: number, c: number) => fitted.weights.data[i * 8 + head * 4 + c] as number;
      const gradient = new Float64Array(28);
      for (let row = 0; row < 120; row++) {
        const x = [...rows.data.subarray(row * 6, (row + 1) * 6), 1];
        const scores = [0, 1, 2, 3].map((c) => Math.exp(x.reduce((sum, value, i) => sum + value * weight(i, c), 0)));
        const total = scores.reduce((sum, value) => sum + value, 0);
        for (let c = 0; c < 4; c++) {
          const residual = ((scores[c] as number) / total - Number(own[row] === c)) / 120;
          for (let i = 0; i < 7; i++) gradient[i * 4 + c] = (gradient[i * 4 + c] as number) + residual * (x[i] as number);
        }
      }
      for (let i = 0; i < 6; i++) for (let c = 0; c < 4; c++) gradient[i * 4 + c] = (gradient[i * 4 + c] as number) + l2 * weight(i, c);
      // Columns have scales 0.01 to 1000, so the tolerance is relative to each.
      for (let i = 0; i < 7; i++) for (let c = 0; c < 4; c++) expect(Math.abs(gradient[i * 4 + c] as number) / (i < 6 ? 10 ** (i - 2) : 1)).toBeLessThan(2e-5);
    }
  });

  test('separate what can be separated, and say when they had too few iterations', async () => {
    const rows = { rows: 30, columns: 1, data: Float64Array.from({ length: 30 }, (_, i) => (i < 15 ? -1 : 1)) };
    const labels = [Uint8Array.from({ length: 30 }, (_, i) => (i < 15 ? 2 : 0))];
    const context = { engine, checkpoint: () => undefined };
    const fitted = await fitSoftmaxHeads(rows, labels, { classes: 3, l2: 1e-4, iterationLimit: 1000 }, context);
    expect([...(await predictClasses(rows, fitted, 3, context))]).toEqual([...(labels[0] as Uint8Array)]);
    expect((await fitSoftmaxHeads(rows, labels, { classes: 3, l2: 1e-4, iterationLimit: 2 }, context)).converged).toBe(0);
  });

  test('can be cancelled between two steps', async () => {
    const labels = [Uint8Array.from({ length: 40 }, (_, i) => i % 3)];
    let steps = 0;
    const checkpoint = () => {
      steps += 1;
      if (steps === 3) throw new Error('cancelled');
    };
    await expect(fitSoftmaxHeads(gaussianMatrix(40, 3, 2), labels, { classes: 3, l2: 1e-4, iterationLimit: 100 }, { engine, checkpoint })).rejects.toThrow('cancelled');
  });
});

describe('the measure', () => {
  const shape = { train: 96, heldOut: 96, views: 8, d: 40 };

  test('transfers when views agree and does not when they are unrelated', async () => {
    const agreeing = await measure(engine, clusteredLayer(shape, 0.05, 1), family);
    const unrelated = await measure(engine, clusteredLayer(shape, 1000, 1), family);
    // k = 12 components of 40: what one sample's label can be read from them is limited, but it is read from all views alike.
    expect(valueOf(agreeing, 'random_label_transfer', 'train')).toBeGreaterThan(0.3);
    expect(Math.abs(valueOf(agreeing, 'random_label_transfer', 'train') - valueOf(agreeing, 'random_label_fit', 'train'))).toBeLessThan(0.05);
    const { value, uncertainty } = find(unrelated, 'random_label_transfer', 'train');
    expect(Math.abs(value as number)).toBeLessThan(4 * (uncertainty?.standardError as number) + 0.02);
    // Noise is all that an unrelated layer has, so its fit is the control's.
    expect(Math.abs(valueOf(unrelated, 'random_label_fit', 'train') - valueOf(unrelated, 'random_label_control', 'train'))).toBeLessThan(0.06);
  });

  test('has one control for all layers of a probe with as many components, and another one for another seed or fewer samples', async () => {
    const control = async (layer: LayerFeatures, seed = 0) => find(await measure(engine, layer, family, { seed }), 'random_label_control', 'train');
    const first = await control(clusteredLayer(shape, 0.5, 1));
    expect(await control(clusteredLayer(shape, 2, 9))).toEqual(first);
    expect((await control(clusteredLayer(shape, 0.5, 1), 7)).value).not.toBe(first.value);
    expect((await control(clusteredLayer({ ...shape, train: shape.train - 8 }, 0.5, 1))).value).not.toBe(first.value);
    expect(await control(clusteredLayer(shape, 0.5, 1))).toEqual(first);
  });

  test('has a positive gap when only views of training samples agree', async () => {
    const [tight, loose] = [clusteredLayer(shape, 0.1, 5), clusteredLayer(shape, 3, 5)];
    const half = 96 * 8 * 40;
    const data = Float64Array.from([...tight.features.data.subarray(0, half), ...loose.features.data.subarray(half)]);
    const gap = find(await measure(engine, withFeatures(tight, data), family), 'random_label_transfer', 'gap');
    expect(gap.value).toBeGreaterThan(0.2);
    expect(gap.uncertainty?.low).toBeGreaterThan(0.1);
    expect(gap.standardDeviation).toBeGreaterThan(0);
  });

  test('records everything it depends on', async () => {
    const record = find(await measure(engine, clusteredLayer(shape, 1, 1), family, { seed: 7 }), 'random_label_fit', 'train');
    expect(record).toMatchObject({ seed: 7, n: 768, d: 40, views: 8, method: 1 });
    expect(record.options).toEqual({
      classes: 10, heads: 5, k: 12, l2: 1e-4, iterations: 1000, normalisation: 'standardised', fitViews: 'alternate',
    });
  });

  test('follows the seed and the ids of the samples, not their places', async () => {
    const layer = clusteredLayer({ train: 32, heldOut: 0, views: 4, d: 10 }, 1, 1);
    const base = await measure(engine, layer, family);
    expect(await measure(engine, layer, family)).toEqual(base);
    expect(valueOf(await measure(engine, layer, family, { seed: 1 }), 'random_label_fit', 'train')).not.toBe(valueOf(base, 'random_label_fit', 'train'));
    const renamed = { ...layer, sampleIds: layer.sampleIds.map((id) => id + 1000n) };
    expect(valueOf(await measure(engine, renamed, family), 'random_label_fit', 'train')).not.toBe(valueOf(base, 'random_label_fit', 'train'));
  });

  test('does not depend on scale, shift or rotation of single features', async () => {
    const layer = clusteredLayer({ train: 32, heldOut: 0, views: 4, d: 10 }, 1, 1);
    const changed = withFeatures(layer, layer.features.data.map((value, at) => value * 10 ** ((at % 10) - 5) + 3));
    const [before, after] = [await measure(engine, layer, family), await measure(engine, changed, family)];
    for (const metric of family) expect(Math.abs(valueOf(after, metric, 'train') - valueOf(before, metric, 'train'))).toBeLessThan(1 / 32);
  });

  test('is null, with the reason, below four views, below eight samples and for constant features', async () => {
    const few = find(await measure(engine, clusteredLayer({ train: 20, heldOut: 0, views: 3, d: 5 }, 1, 1), family), 'random_label_fit', 'train');
    expect(few).toMatchObject({
      value: null,
      warnings: ['Needs at least 4 views of each sample: half of them train the head, the others test it. This probe has 3.'],
    });
    const small = find(await measure(engine, clusteredLayer({ train: 7, heldOut: 0, views: 4, d: 5 }, 1, 1), family), 'random_label_control', 'train');
    expect(small).toMatchObject({ value: null, warnings: ['Needs at least 8 samples to allow one component; there are 7.'] });
    const constant = find(await measure(engine, makeLayer({ train: 16, heldOut: 0, views: 4, d: 3 }, () => [1, 0.1, 2]), family), 'random_label_transfer', 'train');
    expect(constant).toMatchObject({ value: null, warnings: ['All features are constant on the views that train the head.'] });
  });

  test('leaves out constant features and says when the layer allows fewer components', async () => {
    const layer = makeLayer({ train: 64, heldOut: 64, views: 4, d: 4 }, (sample, view) => [5, Math.sin(sample), Math.cos(sample * view + view), 0]);
    const found = await measure(engine, layer, family);
    const record = find(found, 'random_label_fit', 'train');
    expect(record.options.k).toBe(2);
    expect(record.warnings).toContain('Only 2 components instead of 8: the layer has no more independent dimensions (width 4).');
    expect(valueOf(found, 'random_label_fit', 'gap')).toBeGreaterThan(-1);
  });

  test('names both numbers of components where the parts allow different ones', async () => {
    const gap = find(await measure(engine, clusteredLayer({ train: 32, heldOut: 16, views: 4, d: 20 }, 1, 1), family), 'random_label_fit', 'gap');
    expect(gap.options).toMatchObject({ k: 4, k_held_out: 2 });
    expect(gap.warnings[0]).toMatch(/parts differ in size/);
  });

  test('goes by rows where there are fewer of them than features', async () => {
    const layer = clusteredLayer({ train: 16, heldOut: 0, views: 4, d: 200 }, 0.2, 3);
    // Features beyond the rows: the same layer seen through more, redundant ones keeps its components.
    const found = await measure(engine, layer, family);
    expect(find(found, 'random_label_fit', 'train').options.k).toBe(2);
    expect(valueOf(found, 'random_label_transfer', 'train')).toBeGreaterThan(0.05);
  });
});
