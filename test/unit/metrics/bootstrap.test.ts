import { beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { bootstrapReplicates, linearValue, standardDeviation, summarizeReplicates } from '../../../src/metrics/bootstrap';
import { Random, randomPurpose } from '../../../src/metrics/random';
import type { LayerFeatures } from '../../../src/metrics';
import { clusteredLayer, find, measure, valueOf } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

test('the interval of a mean is that of its replicates and close to the normal one', () => {
  const random = new Random(5);
  const numerator = Float64Array.from({ length: 400 }, () => 3 + random.gaussian());
  const form = { offset: 1, factor: 2, numerator, denominator: new Float64Array(400).fill(1) };
  const { standardError, low, high, replicates } = summarizeReplicates(bootstrapReplicates(form, 0, 0));
  expect(replicates).toBe(200);
  expect(standardError / ((2 * standardDeviation(numerator)) / 20)).toBeCloseTo(1, 0);
  const value = linearValue(form);
  expect((high - low) / (2 * 1.96 * standardError)).toBeCloseTo(1, 0);
  expect(low).toBeLessThan(value);
  expect(high).toBeGreaterThan(value);
});

test('replicates follow the seed and the part', () => {
  const form = { offset: 0, factor: 1, numerator: Float64Array.of(1, 2, 3), denominator: Float64Array.of(1, 1, 1) };
  expect([...bootstrapReplicates(form, 4, 0)]).toEqual([...bootstrapReplicates(form, 4, 0)]);
  expect([...bootstrapReplicates(form, 4, 0)]).not.toEqual([...bootstrapReplicates(form, 4, 1)]);
  expect([...bootstrapReplicates(form, 4, 0)]).not.toEqual([...bootstrapReplicates(form, 5, 0)]);
});

/** The layer with samples drawn with replacement, a repeated sample being a sample of its own. */
function resample(layer: LayerFeatures, random: Random): LayerFeatures {
  const samples = layer.sampleIds.length;
  const views = layer.sample.length / samples;
  const width = views * layer.features.columns;
  const data = new Float64Array(layer.features.data.length);
  for (let place = 0; place < samples; place++) {
    const from = random.below(samples);
    data.set(layer.features.data.subarray(from * width, (from + 1) * width), place * width);
  }
  return { ...layer, features: { ...layer.features, data } };
}

const metrics = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized', 'alignment'];

/** Standard errors of the product over those of measuring 200 resamples anew, and how far the intervals lie apart in true standard errors. */
async function againstTruth(layer: LayerFeatures): Promise<Record<string, { ratio: number; offset: number }>> {
  const measured = await measure(engine, layer, metrics);
  // The same resamples as the product's, since a stream of the same parts gives the same numbers.
  const random = new Random(randomPurpose.bootstrap, 0, 0);
  const truth: Record<string, number[]> = Object.fromEntries(metrics.map((metric) => [metric, []]));
  for (let replicate = 0; replicate < 200; replicate++) {
    const again = await measure(engine, resample(layer, random), metrics);
    for (const metric of metrics) truth[metric]?.push(valueOf(again, metric, 'train'));
  }
  return Object.fromEntries(
    metrics.map((metric) => {
      const { standardError, low, high } = find(measured, metric, 'train').uncertainty as { standardError: number; low: number; high: number };
      const wanted = summarizeReplicates(Float64Array.from(truth[metric] as number[]));
      return [metric, { ratio: standardError / wanted.standardError, offset: Math.abs(wanted.low + wanted.high - low - high) / 2 / wanted.standardError }];
    }),
  );
}

test('means over samples have exactly the interval of measuring every resample anew, and rates of a decaying spectrum nearly', async () => {
  const layer = clusteredLayer({ train: 120, heldOut: 0, views: 4, d: 8 }, 0.6, 9);
  for (let at = 0; at < layer.features.data.length; at++) layer.features.data[at] = (layer.features.data[at] as number) * ((at % 8) + 1) ** -1.5;
  const found = await againstTruth(layer);
  for (const metric of ['coding_rate_within', 'alignment']) {
    expect(found[metric]?.ratio, metric).toBeCloseTo(1, 9);
    expect(found[metric]?.offset, metric).toBeLessThan(1e-9);
  }
  for (const metric of ['coding_rate', 'coding_rate_reduction', 'crr_normalized']) {
    expect(found[metric]?.ratio, metric).toBeGreaterThan(0.88);
    expect(found[metric]?.ratio, metric).toBeLessThan(1.12);
  }
});

test('for an even spectrum, the worst case of the first order, the interval is narrower by no more than the documentation says', async () => {
  // There the rate is at its maximum: every direction away from it lowers it, which no linear form can see.
  const found = await againstTruth(clusteredLayer({ train: 60, heldOut: 0, views: 6, d: 10 }, 0.6, 9));
  expect(found.coding_rate?.ratio).toBeGreaterThan(0.65);
  expect(found.coding_rate?.ratio).toBeLessThan(1);
  expect(found.coding_rate_reduction?.ratio).toBeGreaterThan(0.85);
  expect(found.coding_rate_reduction?.ratio).toBeLessThan(1.05);
});
