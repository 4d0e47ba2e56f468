import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import { defaultMeasureOptions, type LayerFeatures, measureLayer } from '../../src/metrics';
import { centredFeatures } from '../../src/metrics/comparison/centredFeatures';
import { linearCka } from '../../src/metrics/comparison/linearCka';
import { partRows } from '../../src/metrics/partRows';
import { openProbe } from '../../src/runs/probe';

// Reference values of NumPy: make_comparison.py beside this file. The names are "file layer other" or "file even odd", the columns of one layer.

interface Expected {
  readonly cka: { readonly plain: number; readonly debiased: number; readonly useDebiased: boolean };
  readonly unit_mem: number;
}

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'comparison.json'), 'utf8')) as Record<string, Record<'train' | 'held_out', Expected>>;
const tolerance = 1e-9;

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

async function readLayers(file: string, names: readonly string[]): Promise<LayerFeatures[]> {
  const probe = await openProbe(path.join(import.meta.dirname, 'data', `${file}.safetensors`));
  try {
    return await Promise.all(names.map((name) => probe.readLayer(name)));
  } finally {
    await probe.close();
  }
}

function everySecondColumn(layer: LayerFeatures, first: number): LayerFeatures {
  const { rows, columns, data } = layer.features;
  const kept = data.filter((_, at) => (at % columns) % 2 === first);
  return { ...layer, features: { rows, columns: kept.length / rows, data: kept } };
}

async function pairOf(key: string): Promise<[LayerFeatures, LayerFeatures]> {
  const [file, one, other] = key.split(' ') as [string, string, string];
  if (one !== 'even') return (await readLayers(file, [one, other])) as [LayerFeatures, LayerFeatures];
  const [layer] = (await readLayers(file, ['features'])) as [LayerFeatures];
  return [everySecondColumn(layer, 0), everySecondColumn(layer, 1)];
}

describe.each(Object.keys(golden))('%s', (key) => {
  let layer: LayerFeatures;
  let other: LayerFeatures;
  beforeAll(async () => {
    [layer, other] = await pairOf(key);
  });

  test(`agrees with the reference within ${tolerance}`, async () => {
    const compared = { ...layer, previous: { since: 'fingerprint', layer: other, reason: '' }, deepest: other };
    const context = { engine, checkpoint: () => undefined };
    const found = await measureLayer(compared, ['cka_prev', 'cka_last', 'unit_mem'], defaultMeasureOptions, context);
    expect(found).toHaveLength(6);
    for (const { metric, split, value, options } of found) {
      const { cka, unit_mem } = golden[key]?.[split as 'train' | 'held_out'] as Expected;
      const wanted = metric === 'unit_mem' ? unit_mem : cka.useDebiased ? cka.debiased : cka.plain;
      expect(Math.abs((value as number) - wanted), `${metric} ${split}: ${value} against ${wanted}`).toBeLessThanOrEqual(tolerance);
      if (metric !== 'unit_mem') expect(options.debiased).toBe(cka.useDebiased);
      if (metric === 'cka_prev') expect(options.since).toBe('fingerprint');
    }
  });

  test('agrees in both forms, by features and by rows, in float64 and, within 1e-6, in float32', async () => {
    for (const split of ['train', 'held_out'] as const) {
      const [x, y] = [partRows(layer, split), partRows(other, split)].map((part) => centredFeatures(part as NonNullable<typeof part>)) as [never, never];
      const wanted = golden[key]?.[split].cka as Expected['cka'];
      for (const debiased of [false, true]) {
        for (const side of ['columns', 'rows'] as const) {
          for (const precision of ['float64', 'float32'] as const) {
            const { value } = await linearCka(x, y, { engine, checkpoint: () => undefined }, { debiased, side, precision });
            const allowed = precision === 'float64' ? tolerance : 1e-6;
            const reference = debiased ? wanted.debiased : wanted.plain;
            expect(Math.abs((value as number) - reference), `${side} ${precision} ${debiased}: ${value} against ${reference}`).toBeLessThanOrEqual(allowed);
          }
        }
      }
    }
  });
});
