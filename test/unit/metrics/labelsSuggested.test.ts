import { beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { type LayerFeatures, suggestLabels } from '../../../src/metrics';
import { clusteredLayer, makeLayer, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

// Three groups on the circle, sizes 5, 4 and 3; the sample in the middle of each is 102, 107 and 110.
const angles = [-0.2, -0.1, 0, 0.12, 0.22, 1.8, 1.9, 2.05, 2.2, 4, 4.1, 4.2];

function groups(label: (sample: number) => number = () => -1): LayerFeatures {
  const layer = makeLayer({ train: 12, heldOut: 3, views: 2, d: 2 }, (sample, view) => {
    const angle = (angles[sample] ?? 3) + 0.01 * view;
    return [(1 + sample) * Math.cos(angle), (1 + sample) * Math.sin(angle)];
  });
  return { ...layer, label: layer.label.map((_, sample) => label(sample)) };
}

const context = () => ({ engine, checkpoint: () => undefined });

test('takes the middle of each cluster, the largest first', async () => {
  const { suggestions, clusters, labelled, samples, warnings } = await suggestLabels(groups(), 3, {}, context());
  expect(suggestions.map(({ sampleId }) => sampleId)).toEqual([102n, 107n, 110n]);
  expect(suggestions[0]).toEqual({
    sampleId: 102n,
    reason: 'Closest to the middle of a cluster of 5 samples, of which none has a label yet.',
    clusterSize: 5,
    covered: 0,
  });
  expect({ clusters, labelled, samples, warnings }).toEqual({ clusters: 3, labelled: 0, samples: 12, warnings: [] });
});

test('prefers clusters without labels', async () => {
  // Two of the largest group are labelled: with three clusters, the two others come first.
  const { suggestions, labelled, clusters } = await suggestLabels(groups((sample) => (sample === 0 || sample === 3 ? 1 : -1)), 1, {}, context());
  expect({ labelled, clusters }).toEqual({ labelled: 2, clusters: 3 });
  expect(suggestions.map(({ sampleId }) => sampleId)).toEqual([107n]);
});

test('never suggests a labelled sample or one twice, and says when there are no more', async () => {
  const { suggestions, warnings } = await suggestLabels(groups((sample) => (sample % 3 === 0 ? 1 : -1)), 20, {}, context());
  const ids = suggestions.map(({ sampleId }) => sampleId);
  expect([...ids].sort()).toEqual([101n, 102n, 104n, 105n, 107n, 108n, 110n, 111n]);
  expect(warnings).toEqual(['Only 8 of 12 samples are not labelled yet.']);
  expect((await suggestLabels(groups(() => 1), 2, {}, context())).warnings).toEqual(['All 12 samples are labelled.']);
});

test('is the same for a seed and for another order in the file', async () => {
  const layer = clusteredLayer({ train: 60, heldOut: 10, views: 3, d: 8 }, 0.3, 1);
  const { rows, columns, data } = layer.features;
  const reversed = { ...withFeatures(layer, Float64Array.from(data, (_, at) => data[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] as number)), sample: layer.sample.slice().reverse() };
  const first = await suggestLabels(layer, 7, { seed: 4 }, context());
  expect(first.suggestions).toHaveLength(7);
  expect(new Set(first.suggestions.map(({ sampleId }) => sampleId)).size).toBe(7);
  expect(await suggestLabels({ ...layer }, 7, { seed: 4 }, context())).toEqual(first);
  expect((await suggestLabels(reversed, 7, { seed: 4 }, context())).suggestions.map(({ sampleId }) => sampleId)).toEqual(first.suggestions.map(({ sampleId }) => sampleId));
});

test('looks at the held-out part when asked to, and says what is wrong with rows', async () => {
  const { suggestions } = await suggestLabels(groups(), 1, { part: 'held_out' }, context());
  expect(suggestions[0]?.sampleId).toBeGreaterThanOrEqual(112n);
  const broken = groups();
  broken.features.data[1] = NaN;
  expect((await suggestLabels(broken, 1, {}, context())).warnings).toEqual(['1 of 24 rows is NaN or infinite (first: row 0).']);
  const onlyTraining = makeLayer({ train: 3, heldOut: 0, views: 1, d: 2 }, (sample) => [1, sample]);
  expect((await suggestLabels(onlyTraining, 1, { part: 'held_out' }, context())).warnings).toEqual(['The probe has no held-out samples.']);
});

test('refuses a count or a seed that is not a whole number', async () => {
  await expect(suggestLabels(groups(), 0, {}, context())).rejects.toThrow('The number of samples to suggest must be a whole number of at least 1, not 0.');
  await expect(suggestLabels(groups(), 1, { seed: 0.5 }, context())).rejects.toThrow('The seed must be a whole number, not 0.5.');
});
