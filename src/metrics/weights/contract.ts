import type { Engine } from '../../linalg/engine';
import type { LayerMeasurement } from '../contract';

/** A weight tensor as a checkpoint holds it, row-major. */
export interface WeightTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** The same parameter in another checkpoint of the run. */
export interface WeightReference {
  /** Fingerprint of that checkpoint; recorded with what is measured against it. */
  readonly since: string;
  /** Null when that checkpoint does not hold the parameter; `reason` then says so. */
  readonly weights: WeightTensor | null;
  readonly reason: string;
}

/** One weight tensor, ready to be measured. */
export interface LayerWeights {
  /** Name of the parameter without `.weight`. */
  readonly layer: string;
  readonly layerIndex: number;
  readonly weights: WeightTensor;
  /** The nearest earlier checkpoint; null when there is none. Left out when no drift is asked for. */
  readonly previous?: WeightReference | null;
  /** The first checkpoint of the run; itself when it is the first. Left out when no drift is asked for. */
  readonly first?: WeightReference | null;
  /** The same parameter of the teacher in this file; null when there is no teacher. */
  readonly teacher?: WeightTensor | null;
}

export interface WeightContext {
  readonly engine: Engine;
  /** Throws when the measurement was cancelled; to be called at least every 100 ms of work. */
  readonly checkpoint: () => void;
}

/** Metrics of weights that are computed together because they share work. */
export interface WeightFamily {
  readonly id: string;
  readonly metrics: readonly string[];
  /** The `method` of every record of the family; records of another are stale and measured anew. */
  readonly method: number;
  /** Answers with every metric of the family. */
  measure(layer: LayerWeights, context: WeightContext): Promise<LayerMeasurement[]>;
}
