import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import { defaultMeasureOptions, type LayerFeatures, type LayerMeasurement, measureLayer } from '../../src/metrics';
import { kMeans } from '../../src/metrics/clusters/kMeans';
import { adjustedMutualInformation, entropy } from '../../src/metrics/clusters/mutualInformation';
import { silhouettes } from '../../src/metrics/clusters/silhouettes';
import { type Part, partRows, parts } from '../../src/metrics/partRows';
import { openProbe } from '../../src/runs/probe';

// Reference values of scikit-learn, and labels of a second implementation of our k-means: make_clusters.py beside this file.

interface Expected {
  readonly labels: readonly string[];
  readonly inertia: number;
  readonly silhouette: number;
  readonly cluster_balance: number;
  readonly cluster_ami_seeds: number;
  readonly cluster_ami_pca?: number;
  readonly explained_variance?: number;
  readonly best: { readonly k: number; readonly silhouette: number };
  readonly rates: Record<'clusters' | 'labels', Record<'coding_rate' | 'coding_rate_within' | 'coding_rate_reduction', number>>;
  readonly sklearn: {
    readonly labels: readonly string[];
    readonly inertia: readonly number[];
    readonly silhouette: readonly number[];
    readonly cluster_balance: readonly number[];
    readonly ami: readonly number[];
  };
}
type Golden = Record<string, Record<Part, Expected>> & { readonly pairs: never };

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'clusters.json'), 'utf8')) as Golden;
const inputs = Object.keys(golden).filter((key) => key !== 'pairs');
const clusters = 10;
const labelsOf = (digits: string) => Int32Array.from(digits, (digit) => digit.charCodeAt(0) - 48);
const sizesOf = (labels: Int32Array) => Array.from({ length: clusters }, (_, cluster) => labels.filter((label) => label === cluster).length);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
const context = () => ({ engine, checkpoint: () => undefined });

async function readLayer(input: string): Promise<LayerFeatures> {
  const [file, layer] = input.split(' ') as [string, string];
  const probe = await openProbe(path.join(import.meta.dirname, file));
  try {
    return await probe.readLayer(layer);
  } finally {
    await probe.close();
  }
}

test('agreement of partitions is that of scikit-learn', () => {
  const pairs = golden.pairs as unknown as readonly { a: string; b: string; ami: number }[];
  expect(pairs).toHaveLength(27);
  for (const { a, b, ami } of pairs) expect(adjustedMutualInformation(labelsOf(a), labelsOf(b)), `${a} ${b}`).toBeCloseTo(ami, 11);
});

describe.each(inputs)('%s', (input) => {
  let layer: LayerFeatures;
  let measured: LayerMeasurement[];
  beforeAll(async () => {
    layer = await readLayer(input);
    measured = await measureLayer(layer, ['silhouette', 'cluster_balance', 'cluster_ami_seeds', 'cluster_ami_pca'], defaultMeasureOptions, context());
  });
  const wanted = (part: Part) => golden[input]?.[part] as Expected;
  const record = (metric: string, part: Part) => measured.find((one) => one.metric === metric && one.split === part) as LayerMeasurement;

  test.each(parts)('%s: labels are those of the second implementation, to the last one', async (part) => {
    const rows = partRows(layer, part)?.features as LayerFeatures['features'];
    const found = await kMeans(rows, { clusters, seeds: [0, 1, 2, 3, 4] }, context());
    expect(found.map(({ labels }) => Array.from(labels))).toEqual(wanted(part).labels.map((digits) => Array.from(labelsOf(digits))));
    expect(found.every(({ converged }) => converged)).toBe(true);
    expect(Math.abs((found[0]?.inertia as number) / wanted(part).inertia - 1)).toBeLessThan(1e-9);
  });

  test.each(parts)('%s: partitions are as good as those of scikit-learn', async (part) => {
    const rows = partRows(layer, part)?.features as LayerFeatures['features'];
    const found = await kMeans(rows, { clusters, seeds: [0, 1, 2, 3, 4] }, context());
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(found.map(({ inertia }) => inertia)) / mean(wanted(part).sklearn.inertia)).toBeLessThan(1.02);
  });

  test.each(parts)('%s: the measures of given partitions are those of scikit-learn', async (part) => {
    const { sklearn } = wanted(part);
    const labels = sklearn.labels.map(labelsOf);
    const rows = partRows(layer, part)?.features as LayerFeatures['features'];
    for (const [index, own] of (await silhouettes(rows, labels, context())).entries()) {
      expect(own.reduce((sum, value) => sum + value, 0) / own.length).toBeCloseTo(sklearn.silhouette[index] as number, 6);
    }
    const pairs = labels.flatMap((a, i) => labels.slice(i + 1).map((b) => adjustedMutualInformation(a, b)));
    for (const [index, ami] of pairs.entries()) expect(ami).toBeCloseTo(sklearn.ami[index] as number, 11);
    for (const [index, own] of labels.entries()) {
      expect(entropy(sizesOf(own), own.length) / Math.log(clusters)).toBeCloseTo(sklearn.cluster_balance[index] as number, 13);
    }
  });

  test.each(parts)('%s: records are what scikit-learn says of our partitions', (part) => {
    const { silhouette, cluster_balance, cluster_ami_seeds, cluster_ami_pca, explained_variance } = wanted(part);
    expect(record('silhouette', part).value).toBeCloseTo(silhouette, 6);
    expect(record('cluster_balance', part).value).toBeCloseTo(cluster_balance, 13);
    expect(record('cluster_ami_seeds', part).value).toBeCloseTo(cluster_ami_seeds, 11);
    const reduced = record('cluster_ami_pca', part);
    if (cluster_ami_pca === undefined) {
      expect(reduced.value).toBeNull();
      expect(reduced.warnings[0]).toMatch(/are not reduced by keeping 16 of them\.$/);
      return;
    }
    expect(reduced.details?.explained_variance).toBeCloseTo(explained_variance as number, 8);
    expect(reduced.value).toBeCloseTo(cluster_ami_pca, 9);
  });

  test.each(parts)('%s: the best number of clusters has the best silhouette', async (part) => {
    const found = await measureLayer(layer, ['silhouette'], { ...defaultMeasureOptions, clusters: 'best' }, context());
    const best = found.find(({ split }) => split === part) as LayerMeasurement;
    expect(best.details?.k).toBe(wanted(part).best.k);
    expect(best.value).toBeCloseTo(wanted(part).best.silhouette, 6);
  });

  test.each(parts)('%s: coding rates by clusters and by labels are those of the determinants', async (part) => {
    const label = new Int32Array(layer.sampleIds.length).fill(-1);
    const own = layer.sampleIds.map((id, sample) => ({ id, sample })).filter(({ sample }) => (layer.split[sample] === 0) === (part === 'train'));
    own.sort((a, b) => Number(a.id - b.id));
    for (const [place, { sample }] of own.entries()) label[sample] = place % 7 === 0 ? -1 : place % 3;
    for (const partition of ['clusters', 'labels'] as const) {
      const rates = wanted(part).rates[partition];
      const found = await measureLayer({ ...layer, label }, Object.keys(rates), { ...defaultMeasureOptions, partition }, context());
      for (const [metric, value] of Object.entries(rates)) {
        const actual = found.find((one) => one.metric === metric && one.split === part)?.value as number;
        expect(Math.abs(actual - value), `${metric} by ${partition}`).toBeLessThan(1e-9 * rates.coding_rate);
      }
    }
  });
});
