import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import { defaultMeasureOptions, type LayerMeasurement, measureLayer } from '../../src/metrics';
import { openProbe } from '../../src/runs/probe';

// Reference values of NumPy and scikit-learn: make_labels.py beside this file.

interface ExpectedPart {
  readonly knn_accuracy: number;
  readonly label_budget: { readonly value: number; readonly slopes: readonly number[]; readonly curve: readonly number[] };
  readonly linear_probe_accuracy: number;
}
interface Expected {
  readonly choice: { readonly l2: number; readonly validationAccuracy: number };
  readonly train: ExpectedPart;
  readonly held_out: ExpectedPart;
}

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'labels.json'), 'utf8')) as Record<string, Expected>;
const metrics = ['knn_accuracy', 'linear_probe_accuracy', 'label_budget'];

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

describe.each(Object.keys(golden))('%s', (key) => {
  const wanted = golden[key] as Expected;
  let found: LayerMeasurement[];
  beforeAll(async () => {
    const [file, layer] = key.split(' ') as [string, string];
    const probe = await openProbe(path.join(import.meta.dirname, 'data', `${file}.safetensors`));
    try {
      found = await measureLayer(await probe.readLayer(layer), metrics, defaultMeasureOptions, { engine, checkpoint: () => undefined });
    } finally {
      await probe.close();
    }
  });

  const of = (metric: string, split: string) => found.find((one) => one.metric === metric && one.split === split) as LayerMeasurement;

  test.each(['train', 'held_out'] as const)('on the %s part every vote of neighbours is that of the reference', (split) => {
    const { value, uncertainty } = of('knn_accuracy', split);
    expect(value).toBeCloseTo(wanted[split].knn_accuracy, 12);
    expect(uncertainty?.low).toBeLessThanOrEqual(value as number);
    expect(uncertainty?.high).toBeGreaterThanOrEqual(value as number);
  });

  test.each(['train', 'held_out'] as const)('on the %s part the learning curve is that of the reference', (split) => {
    const { value, details, standardDeviation } = of('label_budget', split);
    const { curve, slopes, value: slope } = wanted[split].label_budget;
    expect(value).toBeCloseTo(slope, 12);
    const [eighth, quarter, half, all] = curve as [number, number, number, number];
    expect(details?.accuracyAtEighth).toBeCloseTo(eighth, 12);
    expect(details?.accuracyAtQuarter).toBeCloseTo(quarter, 12);
    expect(details?.accuracyAtHalf).toBeCloseTo(half, 12);
    expect(details?.accuracyAtAll).toBeCloseTo(all, 12);
    const spread = slopes.reduce((total, one) => total + (one - slope) ** 2, 0) / (slopes.length - 1);
    expect(standardDeviation).toBeCloseTo(Math.sqrt(spread), 12);
  });

  // Rows whose two best classes nearly tie may fall either way.
  test.each(['train', 'held_out'] as const)('on the %s part the linear probe agrees with the reference within one in 500 rows', (split) => {
    const { value, details } = of('linear_probe_accuracy', split);
    expect(Math.abs((value as number) - wanted[split].linear_probe_accuracy)).toBeLessThanOrEqual(1 / 500);
    expect(details?.l2).toBe(wanted.choice.l2);
    expect(Math.abs((details?.validationAccuracy as number) - wanted.choice.validationAccuracy)).toBeLessThanOrEqual(1 / 500);
  });
});
