import type { Engine } from '../linalg/engine';
import type { Matrix } from '../linalg/matrix';
import type { MeasurementRecord } from '../protocol';

/**
 * One layer of a probe, ready to be measured. Row i holds the features of one view of sample `sample[i]`.
 * Both splits are in it; a family separates them.
 */
export interface LayerFeatures {
  readonly layer: string;
  readonly layerIndex: number;
  /** rows x d. */
  readonly features: Matrix;
  /** [rows] index of the sample, 0 .. samples-1, dense. */
  readonly sample: Int32Array;
  /** [samples] ids as in the file, for seeds that must follow a sample and not its place. */
  readonly sampleIds: readonly bigint[];
  /** [samples] 0 = seen in training, 1 = held out. */
  readonly split: Uint8Array;
  /** [samples] class, -1 = not labelled. */
  readonly label: Int32Array;
}

/** Options that change a value; all of them are recorded with it. */
export interface MeasureOptions {
  /** epsilon squared of the coding rate. Default 0.5 (the MCR2 commands; UMM uses 0.1). */
  readonly eps2: number;
  /** Seed of everything random. Default 0. */
  readonly seed: number;
}

export const defaultMeasureOptions: MeasureOptions = { eps2: 0.5, seed: 0 };

export interface MeasureContext {
  readonly engine: Engine;
  /** Throws when the measurement was cancelled; to be called at least every 100 ms of work. */
  readonly checkpoint: () => void;
}

/** A record without what only the run knows. */
export type LayerMeasurement = Omit<MeasurementRecord, 'run' | 'source' | 'sourceVersion' | 'epoch' | 'step'>;

/** Metrics that are computed together because they share work. */
export interface MetricFamily {
  readonly id: string;
  readonly metrics: readonly string[];
  /** The `method` of every record of the family; records of another are stale and measured anew. */
  readonly method: number;
  /** Answers with every metric of the family on every split the layer has, and the gaps that inputs.md section 4 defines. */
  measure(layer: LayerFeatures, options: MeasureOptions, context: MeasureContext): Promise<LayerMeasurement[]>;
}
