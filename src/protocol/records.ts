/** Which samples a value was taken on. A gap is oriented so that larger means more memorization. */
export type Split = 'train' | 'held_out' | 'gap';

export type OptionValue = number | string | boolean;

/** How far a value could move if other samples had been drawn into the probe. */
export interface Uncertainty {
  readonly standardError: number;
  /** Bounds of the central 95 % percentile interval. */
  readonly low: number;
  readonly high: number;
  readonly replicates: number;
}

/**
 * One measurement, as stored in JSON Lines and printed by the command line.
 * `value` is finite, or null with a warning that says why. Values of another `method` are never mixed with it.
 */
export interface MeasurementRecord {
  /** Name of the run: its path relative to the workspace folder. */
  readonly run: string;
  /** File the value comes from, relative to the run's folder, with forward slashes. */
  readonly source: string;
  /** Fingerprint of the content of `source`, so that a rewritten file is measured again and a copied one is not. */
  readonly sourceVersion: string;
  readonly epoch: number | null;
  readonly step: number | null;
  readonly layer: string;
  /** 0 is the shallowest layer. */
  readonly layerIndex: number;
  readonly metric: string;
  /** Null for weights and logs. */
  readonly split: Split | null;
  readonly value: number | null;
  /** Rows that went in (both splits together for a gap); of weights the larger side of a matrix. */
  readonly n: number;
  /** Width of the layer; of weights the smaller side of a matrix. */
  readonly d: number;
  /** Smallest number of views a sample has; of weights the number of matrices (positions of a kernel). */
  readonly views: number;
  /** Null where nothing random is involved. */
  readonly seed: number | null;
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly warnings: readonly string[];
  /** Bumped when the definition of the metric changes. */
  readonly method: number;
  /** Bootstrap over samples; present where the metric is a mean over samples or has a first-order form of one. */
  readonly uncertainty?: Uncertainty;
  /** Standard deviation over repetitions (random-label heads), where there are any. */
  readonly standardDeviation?: number;
  /** What else the computation found and a person may want to see (where a power law begins, how well it fits). Not a condition. */
  readonly details?: Readonly<Record<string, number>>;
}

/** The `source` of what a training recorded of its own batches: there is no file whose rows could be measured again. */
export const trainingSource = 'training';

/**
 * Whether a record was written by the training itself (the companion's `append_records` without a file). Such records are never stale: what they
 * were taken on is gone. Those of different moments are different records, although all of them have the same source.
 */
export function isOfTraining({ source, sourceVersion }: Pick<MeasurementRecord, 'source' | 'sourceVersion'>): boolean {
  return source === trainingSource && sourceVersion === '';
}

/** Under which heading a metric is offered. */
export type MetricGroup = 'Memorization' | 'Spectrum' | 'Clusters' | 'Geometry' | 'Comparison' | 'Labels' | 'Weights';

/** What a person needs to know about a metric to choose it and read it. */
export interface MetricInfo {
  readonly id: string;
  /** What it is measured on: features of a probe, or the weights of a checkpoint. */
  readonly subject: 'features' | 'weights';
  readonly group: MetricGroup;
  readonly title: string;
  /** Empty for a pure number. */
  readonly unit: string;
  /** One sentence: what it says and which direction is which. */
  readonly summary: string;
  /** What is known to be weak about it; shown beside its name. */
  readonly caveat?: string;
  /** Whether a gap record exists for it (inputs.md, section 4). */
  readonly hasGap: boolean;
  /** Help page, relative to the extension's `docs/metrics`. */
  readonly page: string;
}
