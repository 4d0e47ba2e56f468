import { existsSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import {
  defaultMeasureOptions, featureCatalog, isKnownMetric, measureLayer, metricCatalog, metricFamilies, metricInfo, weightFamilies,
} from '../../../src/metrics';
import { partRows } from '../../../src/metrics/partRows';
import { clusteredLayer, measure, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const layer = clusteredLayer({ train: 16, heldOut: 16, views: 4, d: 6 }, 1, 1);

test('every metric of the catalog is computed by exactly one family and has a help page', () => {
  const computed = [...metricFamilies.flatMap(({ shapes }) => shapes.map(({ metric }) => metric)), ...weightFamilies.flatMap(({ metrics }) => metrics)];
  expect([...computed].sort()).toEqual(metricCatalog.map(({ id }) => id).sort());
  for (const { page, summary, title } of metricCatalog) {
    expect(existsSync(path.resolve(import.meta.dirname, '../../../docs/metrics', page)), page).toBe(true);
    expect(summary.endsWith('.')).toBe(true);
    expect(title).not.toBe('');
  }
});

test('ids are known or not', () => {
  expect(isKnownMetric('rankme')).toBe(true);
  expect(isKnownMetric('Rankme')).toBe(false);
  expect(metricInfo('alignment')?.hasGap).toBe(true);
  expect(metricInfo('nothing')).toBeUndefined();
});

test('only the asked metrics are answered, in catalog order, with a gap where the catalog has one', async () => {
  const found = await measure(engine, layer, ['rankme', 'coding_rate_within']);
  expect(found.map(({ metric, split }) => `${metric} ${split}`)).toEqual([
    'coding_rate_within train', 'coding_rate_within held_out', 'coding_rate_within gap', 'rankme train', 'rankme held_out',
  ]);
  const all = await measure(engine, layer);
  expect(all).toHaveLength(featureCatalog.reduce((count, { hasGap }) => count + (hasGap ? 3 : 2), 0));
});

test('records have the method of their family, and finite values or reasons', async () => {
  for (const record of await measure(engine, layer)) {
    expect(record.method).toBe(metricFamilies.find(({ shapes }) => shapes.some(({ metric }) => metric === record.metric))?.method);
    if (record.value === null) expect(record.warnings.length).toBeGreaterThan(0);
    else expect(Number.isFinite(record.value)).toBe(true);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  }
});

test('an unknown metric is refused by name', async () => {
  await expect(measure(engine, layer, ['rankme', 'sharpness'])).rejects.toThrow(/There is no metric "sharpness" of features\. Known: coding_rate_reduction, /);
});

test('a cancelled measurement ends with what the checkpoint throws', async () => {
  let calls = 0;
  const checkpoint = () => {
    calls += 1;
    if (calls > 10) throw new Error('cancelled');
  };
  await expect(measureLayer(layer, featureCatalog.map(({ id }) => id), defaultMeasureOptions, { engine, checkpoint })).rejects.toThrow('cancelled');
});

test('float32 and float64 features give the same values', async () => {
  const narrow = { ...layer, features: { ...layer.features, data: Float32Array.from(layer.features.data) } };
  const wide = { ...layer, features: { ...layer.features, data: Float64Array.from(narrow.features.data) } };
  const [a, b] = [await measure(engine, narrow), await measure(engine, wide)];
  for (const [index, record] of a.entries()) {
    if (record.value === null) expect(b[index]?.value).toBeNull();
    else expect(b[index]?.value).toBeCloseTo(record.value, 12);
  }
});

test('a fault names its row in the file when only some rows of it were read', () => {
  const { columns, data } = layer.features;
  const broken = withFeatures(layer, Float64Array.from(data, (value, at) => (Math.floor(at / columns) === 3 ? NaN : Math.floor(at / columns) === 5 ? 0 : value)));
  expect(partRows({ ...broken, firstRow: 40 }, 'train')).toMatchObject({ notFinite: { rows: 1, first: 43 }, allZero: { rows: 1, first: 45 } });
  expect(partRows(broken, 'train')).toMatchObject({ notFinite: { rows: 1, first: 3 } });
});
