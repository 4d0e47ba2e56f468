import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createFormatRegistry, openTensors } from '../../src/formats';
import { createEngine, type Engine } from '../../src/linalg';
import { type LayerMeasurement, measureWeights, weightCatalog } from '../../src/metrics';

// Reference values of WeightWatcher 0.7.7: make_weights.py beside this file.

type Reference = Record<string, number>;
const { layers: golden } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'weights.json'), 'utf8')) as { layers: Record<string, Reference> };
/** Our own limit of 50 eigenvalues, where WeightWatcher fits anything. */
const tooFew = ['trained.0', 'few', 'trained.11'];
/** All of its eigenvalues are below the 1e-5 that WeightWatcher asks for. */
const tooSmall = ['tiny_scale'];
/** Square: WeightWatcher keeps the radius of the quarter circle at 2. Four slices of 18 x 36: WeightWatcher exchanges the sides for every slice and ends with 18 / 36. */
const otherBulk = ['square', 'trained.4'];
/** Mostly zeros: WeightWatcher answers with the first sigma it tries. */
const noBulk = ['low_rank'];

let engine: Engine;
const measured = new Map<string, LayerMeasurement[]>();

beforeAll(async () => {
  engine = await createEngine();
  const { file, close } = await openTensors(path.join(import.meta.dirname, 'data/weights.safetensors'), createFormatRegistry());
  for (const { name } of file.tensors) {
    const { shape, data } = await file.read(name);
    const layer = name.replace('.weight', '');
    const weights = { layer, layerIndex: 0, weights: { shape, data: data as Float32Array } };
    measured.set(layer, await measureWeights(weights, weightCatalog.map(({ id }) => id), { engine, checkpoint: () => undefined }));
  }
  await close();
});

function of(layer: string, metric: string): LayerMeasurement {
  const found = (measured.get(layer) ?? []).filter((one) => one.metric === metric);
  expect(found, `${layer} ${metric}`).toHaveLength(1);
  return found[0] as LayerMeasurement;
}

function expectNear(actual: number | null | undefined, wanted: number | undefined, tolerance: number, what: string): void {
  expect(actual, what).toEqual(expect.any(Number));
  expect(wanted, what).toEqual(expect.any(Number));
  expect(Math.abs((actual as number) - (wanted as number)), `${what}: ${actual} against ${wanted}`).toBeLessThanOrEqual(tolerance * Math.abs(wanted as number));
}

test('every layer of the reference is compared', () => {
  expect([...measured.keys()].sort()).toEqual(Object.keys(golden).sort());
});

describe.each(Object.entries(golden))('%s', (layer, wanted) => {
  test.runIf(!tooFew.includes(layer) && !tooSmall.includes(layer))('has the power law of WeightWatcher', () => {
    for (const metric of ['ww_alpha', 'ww_alpha_hat', 'ww_log_alpha_norm']) expectNear(of(layer, metric).value, wanted[metric], 1e-6, metric);
    const { details } = of(layer, 'ww_alpha');
    expect(details?.['tail']).toBe(wanted['tail']);
    for (const [ours, theirs] of [['xmin', 'xmin'], ['sigma', 'sigma'], ['distance', 'D'], ['eigenvalues', 'eigenvalues']] as const) {
      expectNear(details?.[ours], wanted[theirs], 1e-6, ours);
    }
  });

  test.runIf(tooFew.includes(layer) || tooSmall.includes(layer))('has no power law, and says why', () => {
    expect(of(layer, 'ww_alpha')).toMatchObject({ value: null, warnings: [expect.stringMatching(/^Only \d+ /)] });
  });

  test('has the stable rank, norms and entropy of WeightWatcher', () => {
    expectNear(of(layer, 'ww_stable_rank').value, wanted['ww_stable_rank'], 1e-6, 'stable rank');
    expectNear(of(layer, 'ww_entropy').value, wanted['ww_entropy'], 1e-6, 'entropy');
    const factor = layer.startsWith('trained.') && Number(layer.slice(8)) < 5 ? 2 : 1;
    expectNear((of(layer, 'spectral_norm').value ?? 0) ** 2, factor * (wanted['lambda_max'] ?? 0), 1e-6, 'spectral norm');
    expectNear((of(layer, 'frobenius_norm').value ?? 0) ** 2, factor * (wanted['eigenvalue_sum'] ?? 0), 1e-6, 'Frobenius norm');
  });

  test.runIf(!tooFew.includes(layer) && !otherBulk.includes(layer) && !noBulk.includes(layer))('has the random bulk of WeightWatcher', () => {
    expectNear(of(layer, 'mp_softrank').details?.['sigma'], wanted['mp_sigma'], 1e-3, 'sigma');
    expectNear(of(layer, 'mp_softrank').value, wanted['mp_softrank'], 2e-3, 'soft rank');
    expect(of(layer, 'mp_spikes').value).toBe(wanted['mp_spikes']);
  });
});

test.each(noBulk)('says that no bulk fits %s', (layer) => {
  expect(of(layer, 'mp_softrank')).toMatchObject({ value: null, warnings: ['No Marchenko-Pastur bulk fits these eigenvalues.'] });
});

test('finds the bulk of a square random matrix, whose singular values fill a quarter circle', () => {
  expectNear(of('square', 'mp_softrank').details?.['sigma'], 1, 0.05, 'sigma');
  expect(of('square', 'mp_spikes').value).toBe(0);
});
