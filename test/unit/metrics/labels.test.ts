import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { defaultMeasureOptions, type LayerFeatures, measureLayer } from '../../../src/metrics';
import { NearestVote, undecided } from '../../../src/metrics/labels/nearestVote';
import { Random } from '../../../src/metrics/random';
import { fitSoftmaxHeads } from '../../../src/metrics/softmaxRegression';
import { clusteredLayer, find, makeLayer, measure, valueOf, withFeatures } from './layers';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const metrics = ['knn_accuracy', 'linear_probe_accuracy', 'label_budget'];

/** Classes take turns; every class has a center of its own, and samples lie `spread` around it. */
function classes(shape: { train: number; heldOut: number; views: number; d: number }, count: number, spread: number, seed: number): LayerFeatures {
  const random = new Random(seed);
  const draw = () => Float64Array.from({ length: shape.d }, () => random.gaussian());
  const centers = Array.from({ length: count }, draw);
  const samples = Array.from({ length: shape.train + shape.heldOut }, (_, sample) => draw().map((value, j) => (centers[sample % count]?.[j] as number) + spread * value));
  const layer = makeLayer(shape, (sample) => draw().map((value, j) => (samples[sample]?.[j] as number) + 0.1 * value));
  return { ...layer, label: Int32Array.from({ length: shape.train + shape.heldOut }, (_, sample) => 10 * (sample % count)) };
}

function withLabels(layer: LayerFeatures, label: (sample: number) => number): LayerFeatures {
  return { ...layer, label: layer.label.map((_, sample) => label(sample)) };
}

function inDirections(angles: readonly number[], train: number): LayerFeatures {
  return makeLayer({ train, heldOut: angles.length - train, views: 1, d: 2 }, (sample) => [Math.cos(angles[sample] as number), Math.sin(angles[sample] as number)]);
}

describe('without labels', () => {
  test('every measure is null and nothing is computed', async () => {
    const layer = clusteredLayer({ train: 20, heldOut: 20, views: 2, d: 4 }, 1, 1);
    const refuse = () => Promise.reject(new Error('computed'));
    const idle = { ...engine, name: engine.name, version: engine.version, gemm: refuse, exponentials: refuse, gram: refuse } as unknown as Engine;
    const found = await measureLayer(layer, metrics, defaultMeasureOptions, { engine: idle, checkpoint: () => undefined });
    expect(found).toHaveLength(6);
    for (const { value, warnings } of found) {
      expect(value).toBeNull();
      expect(warnings).toEqual(['The probe has no labels.']);
    }
  });

  test('of the training part there is nobody to ask', async () => {
    const layer = withLabels(clusteredLayer({ train: 20, heldOut: 20, views: 2, d: 4 }, 1, 1), (sample) => (sample < 20 ? -1 : sample % 3));
    const found = await measure(engine, layer, metrics);
    for (const { value, warnings } of found) {
      expect(value).toBeNull();
      expect(warnings[0]).toMatch(/^No training sample is labelled/);
    }
  });

  test('of the held-out part, of a second class, or with rows that are not finite there is a reason instead of a value', async () => {
    const layer = classes({ train: 20, heldOut: 20, views: 2, d: 4 }, 2, 1, 1);
    const unlabelled = await measure(engine, withLabels(layer, (sample) => (sample < 20 ? sample % 2 : -1)), metrics);
    const single = await measure(engine, withLabels(layer, () => 3), metrics);
    const broken = withFeatures(layer, layer.features.data.slice());
    broken.features.data[5] = NaN;
    const notFinite = await measure(engine, broken, metrics);
    for (const metric of metrics) {
      expect(find(unlabelled, metric, 'train').value).not.toBeNull();
      expect(find(unlabelled, metric, 'held_out').warnings).toEqual(['No held-out sample is labelled.']);
      expect(find(single, metric, 'train').warnings).toEqual(['All labelled training samples are of one class.']);
      expect(find(notFinite, metric, 'train').warnings).toEqual(['1 of 40 rows is NaN or infinite (first: row 1).']);
      expect(find(notFinite, metric, 'held_out').warnings).toEqual(['In the training part: 1 of 40 rows is NaN or infinite (first: row 1).']);
    }
  });
});

describe('kNN accuracy', () => {
  test('weighs the votes of neighbours by their similarity, by hand', async () => {
    // One neighbour of class 0 at the same place outweighs two of class 1 at 60 degrees, but not twenty at 5 degrees.
    const near = withLabels(inDirections([0, Math.PI / 3, -Math.PI / 3, 0], 3), (sample) => [0, 1, 1, 0][sample] as number);
    expect(valueOf(await measure(engine, near, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(1);
    const step = Math.PI / 36;
    const many = withLabels(inDirections([0, ...Array.from({ length: 19 }, () => step), 0], 20), (sample) => (sample === 0 || sample === 20 ? 0 : 1));
    expect(valueOf(await measure(engine, many, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(0);
  });

  test('asks the twenty nearest, not all', async () => {
    // Twenty of class 1 within 3 degrees; the hundred of class 0 at 4 degrees would outvote them.
    const angles = [...Array.from({ length: 20 }, (_, i) => (i * Math.PI) / 1200), ...Array.from({ length: 100 }, () => Math.PI / 45), 0];
    const layer = withLabels(inDirections(angles, 120), (sample) => (sample < 20 || sample === 120 ? 1 : 0));
    expect(valueOf(await measure(engine, layer, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(1);
  });

  test('leaves out all views of a sample on the training part', async () => {
    // Pairs of samples of different class at one place: the own views would always win, without them the other class does.
    const layer = makeLayer({ train: 16, heldOut: 0, views: 3, d: 8 }, (sample, view) => Float64Array.from({ length: 8 }, (_, j) => Number(j === sample >> 1) + 0.001 * view));
    const labelled = withLabels(layer, (sample) => sample % 2);
    expect(valueOf(await measure(engine, labelled, ['knn_accuracy']), 'knn_accuracy', 'train')).toBe(0);
  });

  test('lets unlabelled samples take no part and counts unknown classes as wrong', async () => {
    const layer = classes({ train: 40, heldOut: 20, views: 2, d: 6 }, 2, 0.2, 1);
    const some = withLabels(layer, (sample) => (sample === 40 ? 77 : sample % 4 < 2 ? sample % 2 : -1));
    const found = find(await measure(engine, some, ['knn_accuracy']), 'knn_accuracy', 'held_out');
    expect(found.value).toBeCloseTo(0.9, 15);
    expect(found.warnings).toContain('10 of 20 samples are labelled; the others take no part.');
    expect(found.warnings).toContain('1 of 10 labelled samples is of a class without a labelled training sample and counts as wrong.');
    const moved = withFeatures(some, some.features.data.map((value, at) => (some.label[Math.floor(at / 12)] === -1 ? 1 + (at % 5) : value)));
    expect(find(await measure(engine, moved, ['knn_accuracy']), 'knn_accuracy', 'held_out').value).toBe(found.value);
  });

  test('does not change with the order of columns, the scale of rows and the order in the file', async () => {
    const layer = classes({ train: 60, heldOut: 60, views: 3, d: 10 }, 4, 1.2, 1);
    const found = await measure(engine, layer, ['knn_accuracy', 'label_budget']);
    expect(valueOf(found, 'knn_accuracy', 'held_out')).toBeGreaterThan(0.3);
    expect(valueOf(found, 'knn_accuracy', 'held_out')).toBeLessThan(1);
    const { rows, columns, data } = layer.features;
    const swapped = withFeatures(layer, data.map((_, at) => (2 + Math.floor(at / columns)) * (data[at - (at % columns) + (columns - 1 - (at % columns))] as number)));
    const backwards = { ...withFeatures(layer, Float64Array.from(data, (_, at) => data[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] as number)), sample: layer.sample.slice().reverse() };
    const narrow = withFeatures(layer, Float32Array.from(data));
    for (const other of [swapped, backwards, narrow]) {
      for (const record of await measure(engine, other, ['knn_accuracy', 'label_budget'])) expect(record.value).toBeCloseTo(find(found, record.metric, record.split as string).value as number, 12);
    }
  });

  test('of a collapsed layer does not depend on rounding: equal rows vote in the order of their samples', async () => {
    const layer = makeLayer({ train: 60, heldOut: 4, views: 1, d: 3 }, () => [0.3, 0.7, -0.2]);
    // The first twenty of the equal ones are of class 5 in one probe, of class 6 in the other.
    for (const [first, wanted] of [[5, 1], [6, 0]] as const) {
      const labelled = withLabels(layer, (sample) => (sample >= 60 ? 5 : sample < 20 ? first : 11 - first));
      expect(valueOf(await measure(engine, labelled, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(wanted);
    }
  });

  test('tells apart in float64 what float32 cannot', async () => {
    // Cosines of 1 - 2e-8 and 1 - 8e-8 are one number in float32.
    const angles = [2e-4, 4e-4, ...Array.from({ length: 30 }, (_, i) => (i % 2 ? 4e-4 : 2e-4)), 0];
    const layer = withLabels(inDirections(angles, 32), (sample) => (sample === 32 || angles[sample] === 2e-4 ? 1 : 0));
    // Sixteen at 2e-4, so four of the others vote. Were all alike, the first twenty would be ten of each, and class 0 would win.
    expect(valueOf(await measure(engine, layer, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(1);
    const swapped = withLabels(layer, (sample) => (sample === 32 || angles[sample] === 4e-4 ? 1 : 0));
    expect(valueOf(await measure(engine, swapped, ['knn_accuracy']), 'knn_accuracy', 'held_out')).toBe(0);
  });

  test('a vote is undecided exactly when the error of the similarities could change it', () => {
    const vote = new NearestVote(2, 0.07, Int32Array.of(0, 1, 1, 0), 2);
    const winner = (similarities: readonly number[], error: number) => {
      vote.clear();
      vote.offerRange(Float64Array.from(similarities), 0, 0, similarities.length);
      return vote.winner(error);
    };
    expect(winner([0.9, 0.5, 0.4, 0.1], 1e-6)).toBe(0);
    expect(winner([0.9, 0.5, 0.5 - 1e-6, 0.1], 1e-6)).toBe(undecided);
    expect(winner([0.5, 0.5 + 1e-7, 0.1, 0.1], 1e-6)).toBe(undecided);
    expect(winner([0.5, 0.5 + 1e-7, 0.1, 0.1], 0)).toBe(1);
    expect(winner([0.5, 0.5, 0.1, 0.1], 0)).toBe(0);
    expect(winner([0.1, 0.5, 0.6, 0.4], 1e-6)).toBe(1);
  });
});

describe('gain per doubling of labels', () => {
  test('is the slope of accuracy over the doublings, with the curve beside it', async () => {
    const layer = classes({ train: 64, heldOut: 64, views: 2, d: 8 }, 4, 1, 1);
    const { value, details, options, seed, standardDeviation, uncertainty } = find(await measure(engine, layer, ['label_budget']), 'label_budget', 'held_out');
    const curve = details as Record<'accuracyAtEighth' | 'accuracyAtQuarter' | 'accuracyAtHalf' | 'accuracyAtAll' | 'gainOfLastDoubling' | 'labelledTrainingSamples', number>;
    expect(value).toBeCloseTo((3 * (curve.accuracyAtAll - curve.accuracyAtEighth) + curve.accuracyAtHalf - curve.accuracyAtQuarter) / 10, 12);
    expect(value).toBeGreaterThan(0);
    expect(curve.gainOfLastDoubling).toBeCloseTo(curve.accuracyAtAll - curve.accuracyAtHalf, 12);
    expect(curve.accuracyAtAll).toBe(valueOf(await measure(engine, layer, ['knn_accuracy']), 'knn_accuracy', 'held_out'));
    expect(curve.labelledTrainingSamples).toBe(64);
    expect(options).toEqual({ k: 20, similarity: 'cosine', temperature: 0.07, shares: '1/8 1/4 1/2 1', repetitions: 5 });
    expect(seed).toBe(0);
    expect(standardDeviation).toBeGreaterThan(0);
    expect(uncertainty?.low).toBeLessThan(value as number);
    expect(find(await measure(engine, layer, ['label_budget'], { seed: 1 }), 'label_budget', 'held_out').value).not.toBe(value);
  });

  test('is 0 where an eighth of the labels says everything already', async () => {
    const layer = classes({ train: 128, heldOut: 32, views: 2, d: 8 }, 2, 0.01, 3);
    const found = await measure(engine, layer, ['label_budget']);
    for (const split of ['train', 'held_out']) expect(valueOf(found, 'label_budget', split)).toBe(0);
  });

  test('needs sixteen labelled training samples', async () => {
    const layer = classes({ train: 15, heldOut: 10, views: 2, d: 4 }, 3, 0.5, 1);
    const found = await measure(engine, layer, metrics);
    expect(find(found, 'label_budget', 'train').warnings).toEqual(['Needs at least 16 labelled training samples for a learning curve; there are 15.']);
    expect(find(found, 'knn_accuracy', 'train').value).not.toBeNull();
  });
});

describe('linear probe accuracy', () => {
  test('is 1 where a plane divides the classes and chance where labels mean nothing', async () => {
    const shape = { train: 120, heldOut: 120, views: 2, d: 6 };
    const found = await measure(engine, classes(shape, 3, 0.2, 1), ['linear_probe_accuracy']);
    for (const split of ['train', 'held_out']) expect(valueOf(found, 'linear_probe_accuracy', split)).toBe(1);
    const random = new Random(5);
    const meaningless = withLabels(clusteredLayer(shape, 0.5, 2), () => random.below(3));
    const chance = find(await measure(engine, meaningless, ['linear_probe_accuracy']), 'linear_probe_accuracy', 'held_out');
    expect(chance.value).toBeGreaterThan(0.2);
    expect(chance.value).toBeLessThan(0.47);
    expect(chance.uncertainty?.low).toBeLessThan(chance.value as number);
    expect(chance.options).toMatchObject({ folds: 4, normalisation: 'standardised' });
  });

  test('penalizes more where there is more noise than labels', async () => {
    const strength = async (spread: number) => {
      const layer = classes({ train: 48, heldOut: 16, views: 1, d: 60 }, 2, spread, 4);
      return find(await measure(engine, layer, ['linear_probe_accuracy']), 'linear_probe_accuracy', 'train').details?.l2 as number;
    };
    expect(await strength(4)).toBeGreaterThanOrEqual(0.1);
    const layer = classes({ train: 16, heldOut: 0, views: 2, d: 8 }, 16, 0.1, 4);
    const { warnings, details } = find(await measure(engine, layer, ['linear_probe_accuracy']), 'linear_probe_accuracy', 'train');
    expect(warnings).toContain('No class has a sample to spare for validation, so the penalty is 0.01.');
    expect(details?.l2).toBe(0.01);
  });

  test('does not change with the scale of a feature, with constant features and with the order in the file', async () => {
    const layer = classes({ train: 60, heldOut: 60, views: 2, d: 5 }, 3, 1, 1);
    const found = await measure(engine, layer, ['linear_probe_accuracy']);
    const { rows, columns, data } = layer.features;
    const scaled = withFeatures(layer, data.map((value, at) => value * 10 ** (30 * (at % columns))));
    const wider = new Float64Array(rows * (columns + 1)).fill(0.1);
    for (let i = 0; i < rows; i++) wider.set(data.subarray(i * columns, (i + 1) * columns), i * (columns + 1));
    const backwards = { ...withFeatures(layer, Float64Array.from(data, (_, at) => data[(rows - 1 - Math.floor(at / columns)) * columns + (at % columns)] as number)), sample: layer.sample.slice().reverse() };
    for (const other of [scaled, withFeatures(layer, wider, columns + 1), backwards]) {
      for (const { value, split } of await measure(engine, other, ['linear_probe_accuracy'])) {
        expect(Math.abs((value as number) - valueOf(found, 'linear_probe_accuracy', split as string))).toBeLessThanOrEqual(1 / 120);
      }
    }
  });

  test('of constant features and of too many classes is null with the reason', async () => {
    const constant = withLabels(makeLayer({ train: 6, heldOut: 0, views: 2, d: 2 }, () => [0.1, 0.2]), (sample) => sample % 2);
    expect(find(await measure(engine, constant, ['linear_probe_accuracy']), 'linear_probe_accuracy', 'train').warnings).toEqual([
      'All features are constant on the labelled training samples.',
    ]);
    const many = withLabels(clusteredLayer({ train: 300, heldOut: 0, views: 1, d: 2 }, 1, 1), (sample) => sample);
    expect(find(await measure(engine, many, ['linear_probe_accuracy']), 'linear_probe_accuracy', 'train').warnings).toEqual([
      'The probe tells at most 256 classes apart; there are 300.',
    ]);
  });

  test('heads of different penalty are each what they are alone', async () => {
    const random = new Random(1);
    const rows = { rows: 80, columns: 4, data: Float64Array.from({ length: 320 }, () => random.gaussian()) };
    const labels = Uint8Array.from({ length: 80 }, (_, row) => (row + ((rows.data[row * 4] as number) > 0 ? 1 : 0)) % 3);
    const context = { engine, checkpoint: () => undefined };
    const strengths = [1, 0.01, 0.0001];
    const together = await fitSoftmaxHeads(rows, strengths.map(() => labels), { classes: 3, l2: strengths, iterationLimit: 1000 }, context);
    expect(together.converged).toBe(3);
    for (const [head, l2] of strengths.entries()) {
      const alone = await fitSoftmaxHeads(rows, [labels], { classes: 3, l2, iterationLimit: 1000 }, context);
      for (let i = 0; i < 4; i++) {
        for (let c = 0; c < 3; c++) expect(Math.abs((together.weights.data[i * 9 + head * 3 + c] as number) - (alone.weights.data[i * 3 + c] as number))).toBeLessThan(1e-3);
      }
    }
  });
});
