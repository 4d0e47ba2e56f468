import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import { defaultMeasureOptions, type LayerFeatures, type LayerMeasurement, measureLayer } from '../../src/metrics';
import { agreeing } from '../../src/metrics/neighbours/clid';
import { nearestNeighbours } from '../../src/metrics/neighbours/pairwiseDistances';
import { takeRows, viewSets } from '../../src/metrics/neighbours/viewSets';
import { normalizedRows, partRows } from '../../src/metrics/partRows';
import { openProbe } from '../../src/runs/probe';

// Reference values of NumPy, SciPy and scikit-learn: make_neighbours.py beside this file.

type Values = Readonly<Record<string, number>>;
interface Expected {
  readonly uniformity: Values;
  readonly twonn_dim: Values | null;
  readonly mst_dim: Values | null;
  readonly embedding_entropy: Values | null;
  readonly learnability: { readonly value: number; readonly of_labels: number; readonly labels: readonly number[] } | null;
}

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'neighbours.json'), 'utf8')) as Record<string, Record<'train' | 'held_out', Expected>>;
const metrics = ['uniformity', 'twonn_dim', 'mst_dim', 'embedding_entropy', 'clid'];

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

function expectWithin(actual: number | null | undefined, wanted: number, tolerance: number, what: string): void {
  expect(typeof actual, what).toBe('number');
  expect(Math.abs((actual as number) - wanted), `${what}: ${actual} against ${wanted}`).toBeLessThanOrEqual(tolerance);
}

describe.each(Object.keys(golden))('%s', (input) => {
  let layer: LayerFeatures;
  let measured: LayerMeasurement[];
  beforeAll(async () => {
    const [file, name] = input.split(' ') as [string, string];
    const probe = await openProbe(path.join(import.meta.dirname, file));
    try {
      layer = await probe.readLayer(name);
    } finally {
      await probe.close();
    }
    measured = await measureLayer(layer, metrics, defaultMeasureOptions, { engine, checkpoint: () => undefined });
  });
  const find = (metric: string, split: string) => measured.find((one) => one.metric === metric && one.split === split) as LayerMeasurement;

  test.each(['train', 'held_out'] as const)('%s agrees with the reference', (split) => {
    const wanted = golden[input]?.[split] as Expected;
    const relative = (value: number, tolerance: number) => Math.max(Math.abs(value) * tolerance, 1e-300);

    const uniformity = find('uniformity', split);
    expectWithin(uniformity.value, wanted.uniformity.value as number, relative(wanted.uniformity.value as number, 1e-6), 'uniformity');
    expectWithin(uniformity.details?.between_samples, wanted.uniformity.between_samples as number, relative(wanted.uniformity.between_samples as number, 1e-6), 'between samples');

    for (const [metric, details] of [['twonn_dim', ['line_fit']], ['mst_dim', ['slope', 'r2']], ['embedding_entropy', ['explained_variance']]] as const) {
      const reference = wanted[metric];
      const record = find(metric, split);
      if (!reference) {
        expect(record.value, metric).toBeNull();
        continue;
      }
      expectWithin(record.value, reference.value as number, relative(reference.value as number, 1e-9), metric);
      for (const detail of details) expectWithin(record.details?.[detail], reference[detail] as number, relative(reference[detail] as number, 1e-9), detail);
      if (metric === 'embedding_entropy') expect(record.options.m).toBe(reference.m);
    }
  });

  test.each(['train', 'held_out'] as const)('%s learnability is that of the same labels, and near that of another k-means', async (split) => {
    const wanted = golden[input]?.[split]?.learnability;
    const record = find('clid', split);
    if (!wanted) {
      expect(record.value).toBeNull();
      return;
    }
    const part = partRows(layer, split);
    const rows = part && viewSets(part).sets[0]?.rows;
    if (!part || !rows) throw new Error(`There is no ${split} part.`);
    const points = takeRows(normalizedRows(part), rows);
    const { indices } = await nearestNeighbours(points, 1, { engine, checkpoint: () => undefined });
    expect(agreeing(indices, Int32Array.from(wanted.labels)).length / rows.length).toBe(wanted.of_labels);
    expectWithin(record.details?.learnability, wanted.value, 0.15, 'learnability');
    expect(record.value).toBeCloseTo((record.details?.learnability as number) + (record.details?.twonn_dim as number) / record.d, 12);
  });
});
