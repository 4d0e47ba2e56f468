import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../src/linalg';
import type { LayerFeatures, LayerMeasurement } from '../../src/metrics';
import { Random } from '../../src/metrics/random';
import { spectrumCatalog } from '../../src/metrics/spectrum/catalog';
import { openProbe } from '../../src/runs/probe';
import { find, makeLayer, measure } from '../unit/metrics/layers';

// Reference values of NumPy and SciPy: make_spectrum.py beside this file.

interface Expected {
  readonly stable_rank: number;
  readonly nesum: number;
  readonly alpha_req: { readonly alpha: number; readonly r2: number; readonly to: number } | null;
  readonly feature_std: number;
  readonly self_cluster: number;
  readonly coherence: { readonly value: number; readonly rank: number } | null;
  readonly pseudo_condition: number;
  readonly lidar: number | null;
}

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'spectrum.json'), 'utf8')) as Record<string, Record<'train' | 'held_out', Expected>>;

/** Relative. LiDAR divides by a covariance within samples that in few_directions is of rank 12 but for delta, in NumPy as here. */
const tolerance = { stable_rank: 1e-12, nesum: 1e-11, feature_std: 1e-12, self_cluster: 1e-10, coherence: 1e-8, alpha_req: 1e-6, lidar: 1e-8 };
/** Relative, and what NumPy's own singular values are uncertain by, relative to the largest. */
const conditionTolerance = { relative: 1e-6, rounding: 1e-15 };

function gaussians(count: number, stream: number): Float64Array {
  const random = new Random(stream);
  return Float64Array.from({ length: count }, () => random.gaussian());
}

const made: Record<string, () => LayerFeatures> = {
  power_law: () => {
    const numbers = gaussians(384 * 64, 11);
    return makeLayer({ train: 48, heldOut: 48, views: 4, d: 64 }, (sample, view) =>
      numbers.slice((sample * 4 + view) * 64, (sample * 4 + view + 1) * 64).map((value, j) => value / Math.sqrt(j + 1)),
    );
  },
  few_directions: () => {
    const [left, right] = [gaussians(320 * 12, 12), gaussians(12 * 48, 13)];
    return makeLayer({ train: 40, heldOut: 40, views: 4, d: 48 }, (sample, view) =>
      Float64Array.from({ length: 48 }, (_, j) => {
        let sum = 0;
        for (let k = 0; k < 12; k++) sum += (left[(sample * 4 + view) * 12 + k] as number) * (right[k * 48 + j] as number);
        return sum;
      }),
    );
  },
};

async function layerOf(input: string): Promise<LayerFeatures> {
  const make = made[input];
  if (make) return make();
  const [file, layer] = input.split(' ') as [string, string];
  const probe = await openProbe(path.join(import.meta.dirname, file));
  try {
    return await probe.readLayer(layer);
  } finally {
    await probe.close();
  }
}

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

describe.each(Object.entries(golden))('%s', (input, wanted) => {
  let measurements: LayerMeasurement[];
  beforeAll(async () => {
    measurements = await measure(engine, await layerOf(input), spectrumCatalog.map(({ id }) => id));
  });

  function expectNear(metric: string, split: string, value: number, allowed: number): void {
    const actual = find(measurements, metric, split);
    expect(actual.value, `${metric}: ${actual.warnings.join(' ')}`).not.toBeNull();
    expect(Math.abs((actual.value as number) - value), `${metric}: ${actual.value} against ${value}`).toBeLessThanOrEqual(allowed);
  }

  test.each(['train', 'held_out'] as const)('%s agrees with the reference', (split) => {
    const one = wanted[split];
    for (const metric of ['stable_rank', 'nesum', 'feature_std', 'self_cluster'] as const) {
      expectNear(metric, split, one[metric], tolerance[metric] * Math.abs(one[metric]));
    }
    expectNear('pseudo_condition', split, one.pseudo_condition, conditionTolerance.relative * one.pseudo_condition + conditionTolerance.rounding);
  });

  test.each(['train', 'held_out'] as const)('%s has the power law, the coherence and the LiDAR of the reference, or none', (split) => {
    const { alpha_req: law, coherence, lidar } = wanted[split];
    const fitted = find(measurements, 'alpha_req', split);
    if (law) {
      expectNear('alpha_req', split, law.alpha, tolerance.alpha_req * Math.max(1, Math.abs(law.alpha)));
      expect(fitted.options).toMatchObject({ from: 11, to: law.to });
      expect(fitted.details?.['r2']).toBeCloseTo(law.r2, 6);
      expect(fitted.warnings.some((warning) => warning.includes('follow no power law'))).toBe(law.r2 < 0.95);
    } else {
      expect(fitted).toMatchObject({ value: null, warnings: [expect.stringMatching(/^The fit needs 20 eigenvalues; \d+ of \d+ are above 1e-8 of the largest\.$/)] });
    }
    const claimed = find(measurements, 'coherence', split);
    if (coherence) {
      expectNear('coherence', split, coherence.value, tolerance.coherence * coherence.value);
      expect(claimed.details).toEqual({ rank: coherence.rank });
    } else {
      expect(claimed).toMatchObject({ value: null, warnings: [expect.stringMatching(/^The (singular values fall below|rows \(\d+\) are linearly independent)/)] });
    }
    if (lidar !== null) expectNear('lidar', split, lidar, tolerance.lidar * lidar);
    else expect(find(measurements, 'lidar', split)).toMatchObject({ value: null, warnings: [expect.stringMatching(/^The covariance within samples has rank \d+ at most/)] });
  });
});
