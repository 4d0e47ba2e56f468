import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import { defaultMeasureOptions, type LayerMeasurement, measureLayer, featureCatalog } from '../../src/metrics';
import { randomLabel } from '../../src/metrics/random';
import { openProbe } from '../../src/runs/probe';

// Reference values of NumPy, SciPy and their minimizer: make_golden.py beside this file.

type CodingRates = Record<'coding_rate' | 'coding_rate_within' | 'coding_rate_reduction' | 'crr_normalized', number>;
interface Expected {
  readonly 'eps2=0.5': CodingRates;
  readonly 'eps2=0.1': CodingRates;
  readonly alignment: number;
  readonly rankme: number;
  readonly random_label_fit?: { readonly heads: readonly number[]; readonly k: number };
  readonly random_label_transfer?: { readonly heads: readonly number[]; readonly k: number };
  readonly random_label_control?: { readonly heads: readonly number[]; readonly k: number };
}
type Golden = Record<string, Record<'train' | 'held_out', Expected>> & { labels: never };

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'expected.json'), 'utf8')) as Golden;
const inputs = Object.keys(golden).filter((key) => key !== 'labels');

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

async function measure(input: string, eps2: number, ids: readonly string[]): Promise<LayerMeasurement[]> {
  const [file, layer] = input.split(' ') as [string, string];
  const probe = await openProbe(path.join(import.meta.dirname, file));
  try {
    return await measureLayer(await probe.readLayer(layer), ids, { ...defaultMeasureOptions, eps2 }, { engine, checkpoint: () => undefined });
  } finally {
    await probe.close();
  }
}

function find(measurements: readonly LayerMeasurement[], metric: string, split: string): LayerMeasurement {
  const found = measurements.filter((one) => one.metric === metric && one.split === split);
  expect(found, `${metric} ${split}`).toHaveLength(1);
  return found[0] as LayerMeasurement;
}

function expectRelative(actual: number | null, wanted: number, tolerance: number, what: string): void {
  expect(actual, what).not.toBeNull();
  expect(Math.abs((actual as number) - wanted) / Math.max(Math.abs(wanted), 1e-300), `${what}: ${actual} against ${wanted}`).toBeLessThanOrEqual(tolerance);
}

describe.each(inputs)('%s', (input) => {
  let measured: Record<string, LayerMeasurement[]>;
  beforeAll(async () => {
    const all = featureCatalog.map(({ id }) => id);
    const dependent = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized'];
    measured = { 'eps2=0.5': await measure(input, 0.5, all), 'eps2=0.1': await measure(input, 0.1, dependent) };
  });

  test.each(['train', 'held_out'] as const)('%s agrees with the reference', (split) => {
    const wanted = golden[input]?.[split] as Expected;
    for (const key of ['eps2=0.5', 'eps2=0.1'] as const) {
      for (const [metric, value] of Object.entries(wanted[key])) {
        const scale = Math.abs(wanted[key].coding_rate);
        // Differences of rates are held to the precision of the rates: in a collapsed layer nothing else is left of them.
        const actual = find(measured[key] as LayerMeasurement[], metric, split).value as number;
        if (metric === 'coding_rate' || metric === 'coding_rate_within') expectRelative(actual, value, 1e-9, `${metric} ${key}`);
        else expect(Math.abs(actual - value), `${metric} ${key}: ${actual} against ${value}`).toBeLessThanOrEqual(1e-9 * scale);
      }
    }
    const measurements = measured['eps2=0.5'] as LayerMeasurement[];
    expectRelative(find(measurements, 'alignment', split).value, wanted.alignment, 1e-9, 'alignment');
    expectRelative(find(measurements, 'rankme', split).value, wanted.rankme, 1e-6, 'rankme');
  });

  test.each(['train', 'held_out'] as const)('%s random labels agree with the reference within one sample', (split) => {
    const measurements = measured['eps2=0.5'] as LayerMeasurement[];
    for (const metric of ['random_label_fit', 'random_label_transfer', 'random_label_control'] as const) {
      const wanted = golden[input]?.[split]?.[metric];
      const actual = find(measurements, metric, split);
      if (!wanted) {
        expect(actual.value).toBeNull();
        continue;
      }
      const mean = wanted.heads.reduce((sum, value) => sum + value, 0) / wanted.heads.length;
      const samples = actual.n / actual.views;
      expect(actual.options.k, metric).toBe(wanted.k);
      expect(Math.abs((actual.value as number) - mean), `${metric}: ${actual.value} against ${mean}`).toBeLessThanOrEqual(1 / samples);
      expect(actual.standardDeviation).toBeGreaterThanOrEqual(0);
    }
  });

  test('the gap is the difference of its parts, larger meaning more memorization', () => {
    const measurements = measured['eps2=0.5'] as LayerMeasurement[];
    for (const { id, hasGap } of featureCatalog) {
      const gaps = measurements.filter((one) => one.metric === id && one.split === 'gap');
      expect(gaps).toHaveLength(hasGap ? 1 : 0);
      const train = find(measurements, id, 'train').value;
      const heldOut = find(measurements, id, 'held_out').value;
      for (const gap of gaps) {
        if (train === null || heldOut === null) expect(gap.value).toBeNull();
        else expect(gap.value).toBeCloseTo(id === 'alignment' ? heldOut - train : train - heldOut, 12);
      }
    }
  });
});

test('random labels are those of the reference', () => {
  const ids = [0n, 1n, 2n, 1000n, -1n, 2n ** 62n];
  expect([0, 1, 2].map((head) => ids.map((id) => randomLabel(0, head, id, 10)))).toEqual(golden.labels);
});
