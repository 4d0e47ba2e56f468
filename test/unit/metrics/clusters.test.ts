import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import type { LayerFeatures } from '../../../src/metrics';
import { clustersFamilies } from '../../../src/metrics/clusters';
import { clustersCatalog } from '../../../src/metrics/clusters/catalog';
import { adjustedMutualInformation } from '../../../src/metrics/clusters/mutualInformation';
import { silhouettes } from '../../../src/metrics/clusters/silhouettes';
import { Random } from '../../../src/metrics/random';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const ids = clustersCatalog.map(({ id }) => id);
const settled = ['silhouette', 'cluster_balance', 'cluster_ami_seeds'];

/** Two views of samples that lie around far centers, each in turn. */
function grouped(groups: number, d: number, spread: number, samples = 80, seed = 1): LayerFeatures {
  const random = new Random(seed);
  const centers = Array.from({ length: groups }, () => Float64Array.from({ length: d }, () => 10 * random.gaussian()));
  return makeLayer({ train: samples, heldOut: samples, views: 2, d }, (sample) => (centers[sample % groups] as Float64Array).map((value) => value + spread * random.gaussian()));
}

describe('adjusted mutual information', () => {
  test('is 1 for partitions that differ only in the names of their clusters, and about 0 for unrelated ones', () => {
    expect(adjustedMutualInformation([0, 0, 1, 1, 2, 2], [5, 5, 0, 0, 9, 9])).toBe(1);
    const random = new Random(1);
    const draw = () => Array.from({ length: 5000 }, () => random.below(12));
    expect(Math.abs(adjustedMutualInformation(draw(), draw()))).toBeLessThan(0.01);
  });

  test('by hand: two crossed halves of four items', () => {
    // MI 0; the 2 x 2 cells are hypergeometric: 0, 1, 2 with 1/6, 4/6, 1/6. E = 4 * 1/6 * 2/4 log 2; H = log 2: (0 - E) / (H - E) = (-1/3) / (1 - 1/3).
    expect(adjustedMutualInformation([0, 0, 1, 1], [0, 1, 0, 1])).toBeCloseTo(-0.5, 14);
  });

  test('does not care which partition comes first, and knows limits', () => {
    const random = new Random(2);
    const [a, b] = [Array.from({ length: 300 }, () => random.below(4)), Array.from({ length: 300 }, () => random.below(30))];
    expect(adjustedMutualInformation(a, b)).toBeCloseTo(adjustedMutualInformation(b, a), 12);
    expect(adjustedMutualInformation([3, 3, 3], [1, 1, 1])).toBe(1);
    expect(adjustedMutualInformation([], [])).toBe(1);
    expect(adjustedMutualInformation([3, 3, 3, 3], [0, 1, 2, 3])).toBe(0);
    expect(() => adjustedMutualInformation([1], [1, 2])).toThrow('Partitions of 1 and of 2 items cannot be compared.');
  });

  test('of a hundred thousand items loses nothing to large factorials', () => {
    const half = Array.from({ length: 100_000 }, (_, i) => i % 2);
    const quarter = Array.from({ length: 100_000 }, (_, i) => i % 4);
    // I = log 2, H = log 2 and log 4; what chance explains is 1 * 3 / (2 n) to first order.
    const chance = 3 / 200_000;
    expect(adjustedMutualInformation(half, quarter)).toBeCloseTo((Math.log(2) - chance) / (1.5 * Math.log(2) - chance), 9);
  });
});

describe('silhouettes', () => {
  const line = { rows: 5, columns: 1, data: Float64Array.of(0, 1, 4, 6, 20) };
  const context = () => ({ engine, checkpoint: () => undefined });

  test('by hand on a line, a row alone counting 0', async () => {
    const [values] = await silhouettes(line, [Int32Array.of(0, 0, 1, 1, 2)], context());
    // a, b: 1, 5; 1, 4; 2, 3.5; 2, 5.5.
    const wanted = [4 / 5, 3 / 4, 1.5 / 3.5, 3.5 / 5.5, 0];
    for (const [row, value] of wanted.entries()) expect(values?.[row]).toBeCloseTo(value, 6);
  });

  test('of several partitions are those of each, and empty clusters are no neighbours', async () => {
    const partitions = [Int32Array.of(0, 0, 1, 1, 2), Int32Array.of(4, 4, 1, 1, 2), Int32Array.of(0, 1, 0, 1, 0)];
    const [first, renamed, third] = await silhouettes(line, partitions, context());
    expect(renamed).toEqual(first);
    expect(third).toEqual((await silhouettes(line, [partitions[2] as Int32Array], context()))[0]);
    expect(third).not.toEqual(first);
  });

  test('of rows that agree within a cluster are 1, and of rows that agree across clusters 0', async () => {
    const [apart] = await silhouettes({ rows: 6, columns: 1, data: Float64Array.of(3, 3, 3, 7, 7, 7) }, [Int32Array.of(0, 0, 0, 1, 1, 1)], context());
    expect(Array.from(apart ?? [])).toEqual([1, 1, 1, 1, 1, 1]);
    const [same] = await silhouettes({ rows: 4, columns: 1, data: Float64Array.of(5, 5, 5, 5) }, [Int32Array.of(0, 1, 0, 1)], context());
    expect(Array.from(same ?? [])).toEqual([0, 0, 0, 0]);
  });
});

describe('records', () => {
  test('of clear clusters say so', async () => {
    const found = await measure(engine, grouped(10, 40, 0.01), ids);
    expect(valueOf(found, 'silhouette', 'train')).toBeGreaterThan(0.99);
    expect(valueOf(found, 'cluster_ami_seeds', 'train')).toBe(1);
    expect(find(found, 'cluster_ami_seeds', 'train').standardDeviation).toBe(0);
    expect(valueOf(found, 'cluster_ami_pca', 'held_out')).toBe(1);
    expect(find(found, 'cluster_ami_pca', 'held_out').details?.explained_variance).toBeGreaterThan(0.999);
    expect(valueOf(found, 'cluster_balance', 'train')).toBeCloseTo(1, 12);
    expect(find(found, 'cluster_balance', 'train').details).toEqual({ smallest: 16, largest: 16 });
  });

  test('of one cloud say that there is nothing', async () => {
    const found = await measure(engine, clusteredLayer({ train: 150, heldOut: 0, views: 1, d: 60 }, 0, 3), settled);
    expect(Math.abs(valueOf(found, 'silhouette', 'train'))).toBeLessThan(0.1);
    expect(valueOf(found, 'cluster_ami_seeds', 'train')).toBeLessThan(0.6);
  });

  test('carry what the value depends on, and no gap', async () => {
    const found = await measure(engine, grouped(4, 30, 1), ids, { clusters: 4, seed: 7 });
    expect(found.every(({ split }) => split !== 'gap')).toBe(true);
    const partition = { clusters: 4, k: 4, restarts: 5, iterations: 300, normalisation: 'none' };
    expect(find(found, 'silhouette', 'train')).toMatchObject({ seed: 7, n: 160, d: 30, views: 2, method: 1, warnings: [], options: { ...partition, distance: 'euclidean' } });
    expect(find(found, 'silhouette', 'train').details?.inertia).toBeGreaterThan(0);
    expect(find(found, 'cluster_balance', 'train').options).toEqual(partition);
    expect(find(found, 'cluster_ami_seeds', 'train').options).toEqual({ ...partition, seeds: 5, average: 'arithmetic' });
    expect(find(found, 'cluster_ami_pca', 'train').options).toEqual({ ...partition, average: 'arithmetic', components: 16, scaling: 'centred' });
    expect(find(found, 'cluster_ami_prev', 'train').options).toEqual({ ...partition, average: 'arithmetic', since: '' });
  });

  test('balance by hand: three to one, in a layer of two clusters', async () => {
    const layer = makeLayer({ train: 8, heldOut: 0, views: 1, d: 2 }, (sample) => (sample < 6 ? [sample / 100, 0] : [9, sample / 100]));
    const found = await measure(engine, layer, ['cluster_balance'], { clusters: 2 });
    expect(valueOf(found, 'cluster_balance', 'train')).toBeCloseTo(-(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25)) / Math.log(2), 14);
    expect(find(found, 'cluster_balance', 'train').warnings).toEqual(['Only 8 samples; a part of a probe should have 64 at least.']);
  });

  test('with the best number of clusters name it as a detail, and the numbers it was chosen from', async () => {
    const found = await measure(engine, grouped(5, 30, 0.1), ids, { clusters: 'best' });
    for (const metric of ids.filter((id) => id !== 'cluster_ami_prev')) {
      const record = find(found, metric, 'train');
      expect(record.details?.k, metric).toBe(5);
      expect(record.options).toMatchObject({ clusters: 'best', candidates: '2 3 5 8 10 15 20 30' });
      expect(record.options.k).toBeUndefined();
    }
  });

  test('do not change with the order of rows in the file, to the last bit', async () => {
    const layer = grouped(6, 30, 6);
    const order = Array.from({ length: layer.sample.length }, (_, i) => i).sort((a, b) => (a % 2) - (b % 2) || b - a);
    const back = [...order].sort((a, b) => (layer.sample[a] as number) - (layer.sample[b] as number) || a - b);
    expect(back).not.toEqual(order);
    const data = Float64Array.from({ length: layer.features.data.length }, (_, at) => layer.features.data[(order[Math.floor(at / 30)] as number) * 30 + (at % 30)] as number);
    const shuffled = { ...withFeatures(layer, data), sample: Int32Array.from(order, (row) => layer.sample[row] as number) };
    expect(await measure(engine, shuffled, ids)).toEqual(await measure(engine, layer, ids));
  });

  test.each([1e290, 1e-290, 1e-20])('do not change with scale (%d)', async (factor) => {
    const layer = grouped(6, 30, 6);
    const [before, after] = [await measure(engine, layer, ids), await measure(engine, withFeatures(layer, layer.features.data.map((value) => value * factor)), ids)];
    for (const [index, one] of before.entries()) {
      if (one.value === null) expect(after[index]?.value).toBeNull();
      else expect(after[index]?.value, one.metric).toBeCloseTo(one.value, 6);
      const inertia = after[index]?.details?.['inertia'];
      if (inertia !== undefined && factor ** 2 > 0) expect(inertia / factor ** 2 / (one.details?.['inertia'] as number)).toBeCloseTo(1, 6);
    }
  });
});

describe('the previous checkpoint', () => {
  const layer = grouped(5, 20, 3);
  const at = (since: string, previous: LayerFeatures | null, reason = '') => ({ ...layer, previous: { since, layer: previous, reason } });
  const agreement = async (now: LayerFeatures, split = 'train') => find(await measure(engine, now, ['cluster_ami_prev']), 'cluster_ami_prev', split);

  test('with the same features agrees completely, and is named', async () => {
    expect(await agreement(at('abc', { ...layer }))).toMatchObject({ value: 1, options: { since: 'abc' }, warnings: [] });
  });

  test('with other features agrees less, and rows are matched by sample and not by place', async () => {
    const other = grouped(5, 20, 3, 80, 9);
    const record = await agreement(at('abc', other));
    expect(record.value).toBeGreaterThan(0.2);
    const order = Array.from({ length: other.sample.length }, (_, i) => other.sample.length - 1 - i);
    const views = order.map((row) => row - (row % 2) + (1 - (row % 2)));
    const data = Float64Array.from({ length: other.features.data.length }, (_, i) => other.features.data[(views[Math.floor(i / 20)] as number) * 20 + (i % 20)] as number);
    const turned = { ...withFeatures(other, data), sample: Int32Array.from(views, (row) => other.sample[row] as number) };
    expect((await agreement(at('abc', turned))).value).not.toBeNull();
    const unrelated = clusteredLayer({ train: 80, heldOut: 80, views: 2, d: 20 }, 0.1, 5);
    expect((await agreement(at('abc', unrelated))).value).toBeLessThan(record.value as number);
  });

  test('that does not exist, cannot be read or holds other samples gives no value but a reason', async () => {
    expect(await agreement(layer)).toMatchObject({ value: null, options: { since: '' }, warnings: ['There is no earlier checkpoint.'] });
    expect(await agreement({ ...layer, previous: null })).toMatchObject({ value: null, options: { since: '' } });
    expect(await agreement(at('abc', null, 'It has no layer of this name.'))).toMatchObject({ value: null, options: { since: 'abc' }, warnings: ['It has no layer of this name.'] });
    const others = { ...layer, sampleIds: layer.sampleIds.map((id) => id + 1n) };
    const reason = 'The probe of the earlier checkpoint holds other samples or views.';
    expect(await agreement(at('abc', others))).toMatchObject({ value: null, warnings: [reason] });
    const fewer = clusteredLayer({ train: 80, heldOut: 80, views: 1, d: 20 }, 1, 5);
    expect(await agreement(at('abc', fewer))).toMatchObject({ value: null, warnings: [reason] });
    const broken = withFeatures(layer, layer.features.data.slice().fill(NaN, 0, 1));
    expect((await agreement(at('abc', broken))).warnings[0]).toMatch(/^At the earlier checkpoint: 1 of 160 rows is NaN or infinite/);
    expect((await agreement(at('abc', broken), 'held_out')).value).toBe(1);
  });
});

describe('where there is no partition', () => {
  const reasonOf = async (layer: LayerFeatures, options = {}) => {
    const found = await measure(engine, layer, ids.filter((id) => id !== 'cluster_ami_prev'), options);
    const reasons = new Set(found.map(({ value, warnings }) => (value === null ? warnings[0] : `a value of ${value}`)));
    expect(reasons.size).toBe(1);
    return [...reasons][0];
  };

  test('the value is null and the record says why', async () => {
    expect(await reasonOf(clusteredLayer({ train: 5, heldOut: 0, views: 2, d: 40 }, 1, 1))).toBe('10 clusters need more than 10 rows; there are 10.');
    expect(await reasonOf(clusteredLayer({ train: 1, heldOut: 0, views: 1, d: 40 }, 1, 1), { clusters: 'best' })).toBe('2 clusters need more than 2 rows; there is 1.');
    const same = makeLayer({ train: 20, heldOut: 0, views: 2, d: 40 }, () => new Float64Array(40).fill(0.1));
    expect(await reasonOf(same)).toBe('All rows are the same.');
    const broken = clusteredLayer({ train: 20, heldOut: 0, views: 2, d: 40 }, 1, 1);
    broken.features.data[45] = Infinity;
    expect(await reasonOf(broken)).toBe('1 of 40 rows is NaN or infinite (first: row 1).');
  });

  test('rows that are all zero take part like others', async () => {
    const layer = grouped(6, 20, 1);
    layer.features.data.fill(0, 0, 40);
    expect(valueOf(await measure(engine, layer, ['silhouette']), 'silhouette', 'train')).toBeGreaterThan(0.3);
  });

  test('fewer distinct rows than clusters are told', async () => {
    const layer = makeLayer({ train: 60, heldOut: 0, views: 2, d: 20 }, (sample) => Float64Array.from({ length: 20 }, (_, j) => Number(j === sample % 4)));
    const found = await measure(engine, layer, settled);
    expect(valueOf(found, 'silhouette', 'train')).toBe(1);
    expect(valueOf(found, 'cluster_ami_seeds', 'train')).toBe(1);
    expect(valueOf(found, 'cluster_balance', 'train')).toBeCloseTo(Math.log(4) / Math.log(10), 12);
    for (const metric of settled) expect(find(found, metric, 'train').warnings).toContain('Only 4 of 10 clusters have rows: there are no more distinct rows.');
  });

  test('a layer that is no wider than the components it would keep has no reduced partition', async () => {
    const found = await measure(engine, grouped(4, 12, 1), ['cluster_ami_pca']);
    expect(find(found, 'cluster_ami_pca', 'train')).toMatchObject({ value: null, warnings: ['Rows in 12 dimensions are not reduced by keeping 16 of them.'] });
  });

  test('options out of range are refused by name', async () => {
    const layer = grouped(4, 12, 1);
    for (const id of ids) {
      await expect(measure(engine, layer, [id], { clusters: 1 })).rejects.toThrow('clusters must be a whole number of at least 2 or "best", not 1.');
      await expect(measure(engine, layer, [id], { seed: 0.5 })).rejects.toThrow('The seed must be a whole number, not 0.5.');
    }
  });
});

describe('coding rates by clusters and by labels', () => {
  const rates = ['coding_rate', 'coding_rate_within', 'coding_rate_reduction', 'crr_normalized'];

  test('by clusters name the seed and the clusters, and only R keeps its interval', async () => {
    const found = await measure(engine, grouped(10, 24, 1), rates, { partition: 'clusters', seed: 3 });
    const record = find(found, 'coding_rate_reduction', 'train');
    expect(record).toMatchObject({ seed: 3, options: { eps2: 0.5, normalisation: 'l2', partition: 'clusters', clusters: 10, k: 10, restarts: 5, iterations: 300 } });
    expect(record.uncertainty).toBeUndefined();
    expect(find(found, 'coding_rate', 'train').uncertainty).toBeDefined();
    expect(valueOf(found, 'coding_rate_reduction', 'gap')).toBeCloseTo(valueOf(found, 'coding_rate_reduction', 'train') - valueOf(found, 'coding_rate_reduction', 'held_out'), 12);
    const byViews = await measure(engine, grouped(10, 24, 1), rates, { seed: 3 });
    expect(valueOf(found, 'coding_rate', 'train')).toBe(valueOf(byViews, 'coding_rate', 'train'));
    expect(find(byViews, 'coding_rate', 'train').seed).toBeNull();
  });

  test('by labels that are the clusters are the same as by clusters', async () => {
    const layer = grouped(10, 24, 0.1);
    const label = Int32Array.from(layer.sampleIds, (_, sample) => sample % 10);
    const [byClusters, byLabels] = [await measure(engine, layer, rates, { partition: 'clusters' }), await measure(engine, { ...layer, label }, rates, { partition: 'labels' })];
    for (const metric of rates) expect(valueOf(byLabels, metric, 'train')).toBeCloseTo(valueOf(byClusters, metric, 'train'), 10);
    expect(find(byLabels, 'coding_rate_reduction', 'train').options).toEqual({ eps2: 0.5, normalisation: 'l2', partition: 'labels' });
  });

  test('by labels are of labelled samples only, as if there were no others', async () => {
    const layer = grouped(4, 24, 3);
    const label = Int32Array.from(layer.sampleIds, (_, sample) => (sample % 80 < 70 ? sample % 4 : -1));
    const found = await measure(engine, { ...layer, label }, rates, { partition: 'labels' });
    const rows = [...layer.sample.keys()].filter((row) => label[layer.sample[row] as number] !== -1);
    const data = Float64Array.from(rows.flatMap((row) => Array.from(layer.features.data.subarray(row * 24, (row + 1) * 24))));
    const only = { ...layer, label, features: { rows: rows.length, columns: 24, data }, sample: Int32Array.from(rows, (row) => layer.sample[row] as number) };
    const wanted = await measure(engine, only, rates, { partition: 'labels' });
    for (const metric of rates) {
      expect(valueOf(found, metric, 'train')).toBeCloseTo(valueOf(wanted, metric, 'train'), 12);
      expect(find(found, metric, 'train').warnings).toContain('10 of 80 samples have no label and take no part.');
      expect(find(wanted, metric, 'train').warnings).toEqual([]);
    }
    expect(find(found, 'coding_rate', 'train').uncertainty).toEqual(find(wanted, 'coding_rate', 'train').uncertainty);
  });

  test('without labels, or without as many rows as clusters, have no value but a reason', async () => {
    const unlabelled = await measure(engine, grouped(4, 24, 1), rates, { partition: 'labels' });
    for (const metric of rates) expect(find(unlabelled, metric, 'train')).toMatchObject({ value: null, warnings: ['No sample of this part has a label.'] });
    const few = await measure(engine, clusteredLayer({ train: 4, heldOut: 0, views: 2, d: 5 }, 1, 1), rates, { partition: 'clusters' });
    expect(valueOf(few, 'coding_rate', 'train')).toBeGreaterThan(0);
    expect(find(few, 'coding_rate_within', 'train')).toMatchObject({ value: null, warnings: ['10 clusters need more than 10 rows; there are 8.'] });
  });

  test('of a single label have no reduction', async () => {
    const layer = grouped(4, 24, 1);
    const found = await measure(engine, { ...layer, label: new Int32Array(160) }, rates, { partition: 'labels' });
    expect(Math.abs(valueOf(found, 'coding_rate_reduction', 'train'))).toBeLessThan(1e-12);
    expect(find(found, 'coding_rate_reduction', 'train').warnings[0]).toBe('All labels are the same, so the reduction is 0 whatever the features are.');
  });
});

test('every measure of the room is offered and computed once', () => {
  expect(clustersFamilies.flatMap(({ shapes }) => shapes.map(({ metric }) => metric)).sort()).toEqual([...ids].sort());
});
