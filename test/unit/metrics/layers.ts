import { expect } from 'vitest';
import type { Engine, Matrix } from '../../../src/linalg';
import { defaultMeasureOptions, type LayerFeatures, type LayerMeasurement, measureLayer, type MeasureOptions, featureCatalog } from '../../../src/metrics';
import { Random } from '../../../src/metrics/random';

export interface LayerShape {
  readonly train: number;
  readonly heldOut: number;
  readonly views: number;
  readonly d: number;
}

/** A layer whose row for (sample, view) is what `row` answers; views of a sample side by side. */
export function makeLayer({ train, heldOut, views, d }: LayerShape, row: (sample: number, view: number) => ArrayLike<number>): LayerFeatures {
  const samples = train + heldOut;
  const data = new Float64Array(samples * views * d);
  for (let sample = 0; sample < samples; sample++) {
    for (let view = 0; view < views; view++) data.set(Array.from(row(sample, view)), (sample * views + view) * d);
  }
  return {
    layer: 'block3',
    layerIndex: 3,
    features: { rows: samples * views, columns: d, data },
    sample: Int32Array.from({ length: samples * views }, (_, at) => Math.floor(at / views)),
    sampleIds: Array.from({ length: samples }, (_, sample) => BigInt(100 + sample)),
    split: Uint8Array.from({ length: samples }, (_, sample) => Number(sample >= train)),
    label: new Int32Array(samples).fill(-1),
  };
}

/** Every sample has a Gaussian center, every view adds `spread` times Gaussian noise to it. */
export function clusteredLayer(shape: LayerShape, spread: number, seed: number): LayerFeatures {
  const random = new Random(seed);
  const draw = () => Float64Array.from({ length: shape.d }, () => random.gaussian());
  const centers = Array.from({ length: shape.train + shape.heldOut }, draw);
  return makeLayer(shape, (sample) => draw().map((value, j) => (centers[sample]?.[j] as number) + spread * value));
}

export function withFeatures(layer: LayerFeatures, data: Float32Array | Float64Array, columns = layer.features.columns): LayerFeatures {
  const features: Matrix = { rows: layer.features.rows, columns, data };
  return { ...layer, features };
}

export async function measure(
  engine: Engine,
  layer: LayerFeatures,
  metrics: readonly string[] = featureCatalog.map(({ id }) => id),
  options: Partial<MeasureOptions> = {},
): Promise<LayerMeasurement[]> {
  return measureLayer(layer, metrics, { ...defaultMeasureOptions, ...options }, { engine, checkpoint: () => undefined });
}

export function find(measurements: readonly LayerMeasurement[], metric: string, split: string): LayerMeasurement {
  const found = measurements.filter((one) => one.metric === metric && one.split === split);
  expect(found, `records of ${metric} on ${split}`).toHaveLength(1);
  return found[0] as LayerMeasurement;
}

export function valueOf(measurements: readonly LayerMeasurement[], metric: string, split: string): number {
  const { value, warnings } = find(measurements, metric, split);
  expect(value, `${metric} on ${split}: ${warnings.join(' ')}`).not.toBeNull();
  return value as number;
}
