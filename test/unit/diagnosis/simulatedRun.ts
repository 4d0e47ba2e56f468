import type { MeasurementRecord } from '../../../src/protocol';

/** A seeded generator of uniform numbers in [0, 1): mulberry32. */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export interface SimulatedRun {
  readonly seed: number;
  readonly run?: string;
  readonly layers?: number;
  readonly metrics?: readonly string[];
  readonly epochs?: readonly number[];
  /** Of each split. */
  readonly samples?: number;
  /** Correlation of a sample's contribution between neighbouring checkpoints: 0 draws anew each time, 1 never changes. */
  readonly persistence?: number;
  /** Contributions of samples: symmetric, or with the long right tail of an exponential. */
  readonly tails?: 'normal' | 'exponential';
  /** What training adds to the contribution of a training sample, in standard deviations of a contribution. */
  readonly effect?: (layerIndex: number, epoch: number, metric: string) => number;
  /** Held-out value; 0.01 keeps the effect-size guard out of the way, so that the statistics alone decide. */
  readonly level?: number;
}

export const watched = ['coding_rate_reduction', 'alignment', 'random_label_transfer'] as const;
export const logSpacedEpochs = [0, 1, 2, 4, 8, 16, 32, 64, 96, 128, 200, 300, 400];

/**
 * Records of a run as it would be measured if each sample's contribution to a metric were random: the gap is the difference of the means
 * of the two splits, its standard error is estimated from the very samples drawn. Contributions are small before training starts.
 */
export function simulateRun(options: SimulatedRun): MeasurementRecord[] {
  const {
    seed, run = 'simulated', layers = 7, metrics = watched, epochs = logSpacedEpochs, samples = 64, persistence = 0.9, tails = 'normal',
    effect = () => 0, level = 0.01,
  } = options;
  const random = uniform(seed);
  const draw = tails === 'normal' ? () => normal(random) : () => -Math.log(1 - random()) - 1;
  const records: MeasurementRecord[] = [];
  for (const metric of metrics) {
    for (let layerIndex = 0; layerIndex < layers; layerIndex += 1) {
      const contributions = Array.from({ length: 2 * samples }, draw);
      epochs.forEach((epoch, index) => {
        const spread = index === 0 ? 0.1 : 1;
        const changed = contributions.map((value) => (index === 0 ? value : persistence * value + Math.sqrt(1 - persistence ** 2) * draw()));
        changed.forEach((value, sample) => (contributions[sample] = value));
        const added = effect(layerIndex, epoch, metric);
        const train = moments(contributions.slice(0, samples).map((value) => spread * value + added));
        const heldOut = moments(contributions.slice(samples).map((value) => spread * value));
        const at = { run, metric, epoch, layerIndex };
        const standardError = Math.sqrt((train.variance + heldOut.variance) / samples);
        records.push(
          makeRecord({ ...at, split: 'train', value: level + train.mean - heldOut.mean, n: 8 * samples }),
          makeRecord({ ...at, split: 'held_out', value: level, n: 8 * samples }),
          makeRecord({ ...at, split: 'gap', value: train.mean - heldOut.mean, n: 16 * samples, standardError }),
        );
      });
    }
  }
  return records;
}

export type RecordParts = Partial<MeasurementRecord> & { readonly standardError?: number };

/** A complete record around the parts that matter. */
export function makeRecord({ standardError, ...parts }: RecordParts): MeasurementRecord {
  const epoch = parts.epoch === undefined ? 0 : parts.epoch;
  const value = parts.value === undefined ? 0 : parts.value;
  return {
    run: 'simulated',
    source: `probes/epoch=${String(epoch).padStart(4, '0')}.safetensors`,
    sourceVersion: `v${String(epoch)}`,
    step: epoch === null ? null : epoch * 10,
    layer: `block${String(parts.layerIndex ?? 0)}`,
    layerIndex: 0,
    metric: 'coding_rate_reduction',
    split: 'gap',
    n: 1024,
    d: 32,
    views: 8,
    seed: null,
    // So large an eps2 that the bound of the coding rate, and with it the absolute guard, is next to nothing.
    options: { eps2: 1e6 },
    warnings: [],
    method: 1,
    ...parts,
    epoch,
    value,
    ...(standardError === undefined || value === null
      ? {}
      : { uncertainty: { standardError, low: value - 1.96 * standardError, high: value + 1.96 * standardError, replicates: 200 } }),
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function moments(values: readonly number[]): { mean: number; variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) };
}
