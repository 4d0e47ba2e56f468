import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createFormatRegistry, openTensors } from '../../src/formats';
import { createEngine, type Engine, engineOrder } from '../../src/linalg';
import { defaultMeasureOptions, featureCatalog, type LayerMeasurement, measureLayer, measureWeights, weightCatalog } from '../../src/metrics';
import { openProbe } from '../../src/runs/probe';
import { tensorFlowIsInstalled, withTensorFlow } from '../unit/linalg/tensorFlow';

// A measurement is the same whichever engine computes it. onnxruntime is held to the reference values (measures.test.ts), the others to onnxruntime.

const context = (engine: Engine) => ({ engine, checkpoint: () => undefined });
const data = path.join(import.meta.dirname, 'data');

const probes = ['gaussian', 'clustered', 'collapsed', 'digits_memorizing'];

async function measureProbe(name: string, engine: Engine): Promise<LayerMeasurement[]> {
  const probe = await openProbe(path.join(data, `${name}.safetensors`));
  try {
    const layer = await probe.readLayer(probe.layers[0]?.name ?? '');
    return await measureLayer(layer, featureCatalog.map(({ id }) => id), defaultMeasureOptions, context(engine));
  } finally {
    await probe.close();
  }
}

async function measureWeightFile(engine: Engine): Promise<LayerMeasurement[]> {
  const { file, close } = await openTensors(path.join(data, 'weights.safetensors'), createFormatRegistry());
  const measured: LayerMeasurement[] = [];
  for (const { name } of file.tensors) {
    const { shape, data: values } = await file.read(name);
    const weights = { layer: name, layerIndex: 0, weights: { shape, data: values as Float32Array } };
    measured.push(...(await measureWeights(weights, weightCatalog.map(({ id }) => id), context(engine))));
  }
  await close();
  return measured;
}

/** These count samples whose label is right: rounding may turn one of them over. */
const countsSamples = /^random_label|_accuracy$/;
/** These are made of products in float32. */
const narrow = /^(silhouette|uniformity)$/;

function expectAgreement(measured: readonly LayerMeasurement[], wanted: readonly LayerMeasurement[]): void {
  expect(measured.map(({ layer, metric, split }) => [layer, metric, split])).toEqual(wanted.map(({ layer, metric, split }) => [layer, metric, split]));
  for (const [i, { layer, metric, split, value, n }] of measured.entries()) {
    const other = wanted[i]?.value ?? null;
    const what = `${layer} ${metric} ${split ?? ''}: ${value} against ${other}`;
    expect(value === null, what).toBe(other === null);
    const tolerance = countsSamples.test(metric) ? 2 / n : (narrow.test(metric) ? 1e-6 : 1e-9) * Math.max(1, Math.abs(other ?? 0));
    expect(Math.abs((value ?? 0) - (other ?? 0)), what).toBeLessThanOrEqual(tolerance);
  }
}

const wanted = new Map<string, LayerMeasurement[]>();
beforeAll(async () => {
  const reference = await createEngine('onnxruntime');
  for (const probe of probes) wanted.set(probe, await measureProbe(probe, reference));
  wanted.set('weights', await measureWeightFile(reference));
});

describe.each(engineOrder.filter((name) => name !== 'onnxruntime' && (name !== 'tensorflow' || tensorFlowIsInstalled)))('%s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(name, withTensorFlow);
  });

  test.each(probes)('measures %s as onnxruntime does', async (probe) => {
    expectAgreement(await measureProbe(probe, engine), wanted.get(probe) ?? []);
  });

  test('measures weights as onnxruntime does', async () => {
    expectAgreement(await measureWeightFile(engine), wanted.get('weights') ?? []);
  });
});
