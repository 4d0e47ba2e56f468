import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  buildExportedGraph, buildGraph, chooseSamples, describeModel, extractFeatures, matchExport, ModelSession, openImages, prepareBatch, prepareView, readExport, readWeights,
  type FeatureOptions, type ImageSet, type Picture, type SessionOptions,
} from '../../../src/models';
import { createFormatRegistry, openTensors } from '../../../src/formats';
import { modelsFolder, openFixture, pathOf, relativeError } from './fixtures';

const preparation = { channels: 3, size: [16, 16] } as const;

async function vit(graphRequest: Partial<Parameters<typeof buildGraph>[1]> = {}, options: SessionOptions = {}) {
  const file = await openFixture('vit-timm.pt');
  const model = describeModel(file.tensors, { heads: 2 });
  const graph = buildGraph(model, { features: ['blocks.0', 'norm'], ...graphRequest });
  const weights = await readWeights(file, model.parameters, graph.weights);
  return { model, graph, weights, session: await ModelSession.create(graph, weights, options) };
}

async function samplesOf(count = 6) {
  const folder = await openImages(path.join(modelsFolder, '../images/folder'));
  const cifar = await openImages(path.join(modelsFolder, '../images/data_batch_1.bin'));
  return chooseSamples(folder, cifar, count, 3);
}

describe('Features of a probe', () => {
  it('hold one row a view with its sample, part and class, and do not depend on the batch', async () => {
    const { session } = await vit();
    const samples = await samplesOf();
    const options: FeatureOptions = { samples, preparation, views: 3, seed: 5 };
    const all = await extractFeatures(session, null, { ...options, batch: 64 });
    expect(samples).toHaveLength(8);
    expect(all.layers.map(({ name, index, features }) => [name, index, features.rows, features.columns])).toEqual([['blocks.0', 0, 24, 32], ['norm', 1, 24, 32]]);
    expect([...all.sample.subarray(0, 7)]).toEqual([0, 0, 0, 1, 1, 1, 2]);
    expect([...all.split]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    expect(all.sampleIds.slice(6)).toEqual([10n, 11n]);
    expect([...all.label.subarray(6)]).toEqual([6, 9]);
    const few = await extractFeatures(session, null, { ...options, batch: 5 });
    for (const [index, { features }] of few.layers.entries()) expect(relativeError(features.data, all.layers[index]!.features.data)).toBeLessThan(1e-5);
    await session.close();
  });

  it('differ between the views of a sample, and are the same for the same seed', async () => {
    const { session } = await vit({ features: ['norm'] });
    const options: FeatureOptions = { samples: await samplesOf(2), preparation, views: 2, seed: 1, batch: 8 };
    const [first, again, other] = [await extractFeatures(session, null, options), await extractFeatures(session, null, options), await extractFeatures(session, null, { ...options, seed: 2 })];
    const rows = first.layers[0]!.features.data;
    expect(relativeError(rows.subarray(0, 32), rows.subarray(32, 64))).toBeGreaterThan(1e-3);
    expect(again.layers[0]!.features.data).toEqual(rows);
    expect(relativeError(other.layers[0]!.features.data, rows)).toBeGreaterThan(1e-3);
    await session.close();
  });

  it('stop when the work is cancelled, and tell how far they are', async () => {
    const { session } = await vit();
    const seen: number[] = [];
    let left = 5;
    const checkpoint = () => {
      if (left-- === 0) throw new Error('cancelled');
    };
    const options: FeatureOptions = { samples: await samplesOf(6), preparation, batch: 2, onProgress: (done) => seen.push(done), checkpoint };
    await expect(extractFeatures(session, null, options)).rejects.toThrow('cancelled');
    expect(seen).toEqual([2]);
    await session.close();
  });

  it('come from an export of fixed batch size, too', async () => {
    const { source, file } = await openTensors(pathOf('resnet-export.onnx'), createFormatRegistry());
    const model = await readExport(source, file);
    const checkpoint = await openFixture('resnet-export.pt');
    const graph = await buildExportedGraph(model, file, { features: ['layer4.0', 'avgpool'] });
    const session = await ModelSession.create(graph, await readWeights(checkpoint, matchExport(model, checkpoint), graph.weights));
    const samples = (await samplesOf(3)).slice(0, 3);
    const { layers } = await extractFeatures(session, null, { samples, preparation });
    expect(layers.map(({ features }) => [features.rows, features.columns])).toEqual([[3, 16], [3, 16]]);
    // Both are the mean over positions of one map.
    expect(relativeError(layers[0]!.features.data, layers[1]!.features.data)).toBeLessThan(1e-5);
    await session.close();
  });
});

describe('Samples', () => {
  const numbered = (count: number): ImageSet => ({ name: 'numbers', count, label: (index) => index % 3, read: () => Promise.reject(new Error('not read')) });

  it('are chosen without repetition, the same for a seed', () => {
    const chosen = chooseSamples(numbered(100), numbered(50), 20, 7);
    expect(new Set(chosen.map(({ id }) => id)).size).toBe(40);
    expect(chosen.filter(({ split }) => split === 1).every(({ id, index }) => id === BigInt(100 + index))).toBe(true);
    expect(chooseSamples(numbered(100), numbered(50), 20, 7).map(({ id }) => id)).toEqual(chosen.map(({ id }) => id));
    expect(chooseSamples(numbered(100), null, 20, 8).map(({ id }) => id)).not.toEqual(chosen.slice(0, 20).map(({ id }) => id));
    expect(chooseSamples(numbered(3), null, 20, 7)).toHaveLength(3);
  });

  it('become a batch whose second half are second views, with noise that follows the sample', async () => {
    const samples = await samplesOf(2);
    const batch = await prepareBatch(samples, preparation, { views: 2, seed: 4, patches: 16 });
    expect([batch.count, batch.images.length, batch.noise!.length]).toEqual([8, 8 * 768, 128]);
    expect([...batch.labels!.subarray(4)]).toEqual([...batch.labels!.subarray(0, 4)]);
    expect([...batch.labels!.subarray(2, 4)]).toEqual([6, 9]);
    const alone = await prepareBatch(samples.slice(1, 2), preparation, { views: 2, seed: 4, patches: 16 });
    expect(alone.images.subarray(768)).toEqual(batch.images.subarray(5 * 768, 6 * 768));
    expect(alone.noise!.subarray(0, 16)).toEqual(batch.noise!.subarray(16, 32));
    expect(alone.noise!.every((value) => value >= 0 && value < 1)).toBe(true);
  });

  it('are shifted and scaled channel by channel', () => {
    const grey: Picture = { width: 2, height: 2, channels: 1, data: Float32Array.of(0, 0.25, 0.5, 1) };
    expect([...prepareView(grey, 0n, 0, { channels: 1, size: [2, 2], mean: [0.5], deviation: [0.25] })]).toEqual([-2, -1, 0, 2]);
    expect([...prepareView(grey, 0n, 0, { channels: 1, size: [2, 2] })]).toEqual([0, 0.25, 0.5, 1]);
    const colour = prepareView(grey, 0n, 0, { channels: 3, size: [2, 2] });
    expect([colour[3], colour[7], colour[11]].map((value) => value!.toFixed(4))).toEqual(['2.2489', '2.4286', '2.6400']);
  });

  it('have random views whose statistics are those that were asked for', () => {
    // Left half dark, right half bright, upper half red.
    const picture: Picture = { width: 32, height: 32, channels: 3, data: Float32Array.from({ length: 3072 }, (_, i) => (i % 32 < 16 ? 0.1 : 0.9) * (i < 512 || i >= 1024 ? 1 : 0.5)) };
    const options = { cropScale: [1, 1] as const, jitter: 0, grey: 0.25 };
    let mirrored = 0;
    let grey = 0;
    for (let view = 0; view < 400; view++) {
      const values = prepareView(picture, 1n, view, { channels: 3, size: [8, 8], mean: [0, 0, 0], deviation: [1, 1, 1] }, { views: 2, augmentation: options });
      if (values[0]! > values[7]!) mirrored++;
      if (values[63] === values[127] && values[63] === values[191]) grey++;
    }
    // Five standard deviations of a binomial share.
    expect(Math.abs(mirrored / 400 - 0.5)).toBeLessThan(0.125);
    expect(Math.abs(grey / 400 - 0.25)).toBeLessThan(0.11);
  });
});

describe('A session', () => {
  it('takes other weights at every run without being made anew', async () => {
    const file = await openFixture('mae.pth');
    const model = describeModel(file.tensors, { heads: 2, decoderHeads: 4 });
    const graph = buildGraph(model, { loss: { kind: 'reconstruction' }, weights: 'inputs' });
    const original = await readWeights(file, model.parameters, graph.weights);
    const weights = new Map([...original].map(([name, values]) => [name, values.slice()]));
    const session = await ModelSession.create(graph);
    const batch = await prepareBatch(await samplesOf(4), preparation, { patches: graph.noise });
    const loss = async () => [...(await session.run(batch, weights)).get('loss')!.data];
    const before = await loss();
    weights.get('decoder_pred.weight')!.forEach((value, place, all) => (all[place] = 1.5 * value));
    const moved = await loss();
    weights.get('decoder_pred.weight')!.set(original.get('decoder_pred.weight')!);
    expect(moved).not.toEqual(before);
    expect(await loss()).toEqual(before);
    await session.close();
  });

  it('says what is missing or does not fit', async () => {
    const { graph, weights, session } = await vit({ loss: { kind: 'cross-entropy' } });
    const images = new Float32Array(768);
    await expect(session.run({ count: 1, height: 16, width: 16, images })).rejects.toThrow('The graph needs labels, which the batch does not have.');
    await expect(session.run({ count: 1, height: 8, width: 96, images })).rejects.toThrow(/takes images of 16 x 16, not of 8 x 96/);
    await expect(session.run({ count: 2, height: 16, width: 16, images })).rejects.toThrow('images should hold 1536 numbers, but holds 768.');
    await expect(ModelSession.create(graph, new Map())).rejects.toThrow(/needs the weight .* which is not there/);
    await expect(ModelSession.create(graph, new Map([...weights].map(([name]) => [name, new Float32Array(1)])))).rejects.toThrow(/holds 1 numbers; its shape/);
    await session.close();
  });

  it('runs in WebAssembly, too', async () => {
    const [native, wasm] = [await vit(), await vit({}, { provider: 'wasm' })];
    expect(wasm.session.provider).toBe('wasm');
    const options: FeatureOptions = { samples: await samplesOf(3), preparation };
    const [first, second] = [await extractFeatures(native.session, null, options), await extractFeatures(wasm.session, null, options)];
    for (const [index, { features }] of second.layers.entries()) expect(relativeError(features.data, first.layers[index]!.features.data)).toBeLessThan(1e-5);
    await Promise.all([native.session.close(), wasm.session.close()]);
  });

  it('names a provider that cannot be used, and why', async () => {
    await expect(vit({}, { provider: 'tpu' as 'cpu' })).rejects.toThrow('The model cannot run on tpu: there is no provider of this name; there are auto, cpu, cuda');
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml';
    await expect(vit({}, { provider: absent })).rejects.toThrow(new RegExp(`cannot run on ${absent}: ONNX Runtime has no ${absent} on ${process.platform}`));
    const loadNative = () => Promise.reject(new Error('no such library'));
    await expect(vit({}, { loadNative })).rejects.toThrow('The model cannot run on cpu: onnxruntime-node does not load: no such library.');
  });

  it('steps back from what cannot be used when any provider will do, and says from what', async () => {
    const loadNative = () => Promise.reject(new Error('no such library'));
    const { session } = await vit({}, { provider: 'auto', loadNative });
    expect(session.provider).toBe('wasm');
    expect(session.passedOver.map(({ provider, reason }) => `${provider}: ${reason}`)).toEqual(['cuda', 'coreml', 'dml', 'cpu'].map((name) => `${name}: onnxruntime-node does not load: no such library`));
    await session.close();
  });
});
