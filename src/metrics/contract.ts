import type { Engine } from '../linalg/engine';
import type { Matrix } from '../linalg/matrix';
import type { MeasurementRecord, OptionValue } from '../protocol';
import type { LinearForm } from './bootstrap';
import type { PartRows } from './partRows';

/**
 * One layer of a probe, ready to be measured. Row i holds the features of one view of sample `sample[i]`.
 * Rows of both parts are in it, or only those of the part that is measured where no metric needs the other; `partRows` separates them.
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
  /** Where the first of these rows is in the file, counted from 0. Default 0. */
  readonly firstRow?: number;
  /** The same layer at the nearest earlier checkpoint; null when there is none. Left out when nothing that needs it is asked for. */
  readonly previous?: LayerReference | null;
  /** The deepest layer of the same probe; null when this is it. Left out when nothing that needs it is asked for. */
  readonly deepest?: LayerFeatures | null;
}

/** The same layer in another probe of the run. */
export interface LayerReference {
  /** Fingerprint of that probe; recorded as the option `since` with what is measured against it. */
  readonly since: string;
  /** Null when it cannot be compared; `reason` then says why. */
  readonly layer: LayerFeatures | null;
  readonly reason: string;
}

/** How rows are put into classes for the coding rate. */
export type Partition = 'views' | 'clusters' | 'labels';

/** Options that change a value; a record names those that its metric depends on. */
export interface MeasureOptions {
  /** epsilon squared of the coding rate. Default 0.5 (the MCR2 commands; UMM uses 0.1). */
  readonly eps2: number;
  /** Seed of everything random. Default 0. */
  readonly seed: number;
  /** Classes of the coding rate within. Default `views`: all views of one sample are one class. */
  readonly partition: Partition;
  /** Clusters of k-means, or `best`: the number with the best silhouette out of a stated set. Default 10. */
  readonly clusters: number | 'best';
}

export const defaultMeasureOptions: MeasureOptions = { eps2: 0.5, seed: 0, partition: 'views', clusters: 10 };

export interface MeasureContext {
  readonly engine: Engine;
  /** Throws when the measurement was cancelled; to be called at least every 100 ms of work. */
  readonly checkpoint: () => void;
}

/** A record without what only the run knows. */
export type LayerMeasurement = Omit<MeasurementRecord, 'run' | 'source' | 'sourceVersion' | 'epoch' | 'step'>;

/** A metric on one part of a probe, before it becomes a record: what the gap also needs. Survives the way between threads. */
export interface PartValue {
  /** Null (with a warning that says why) when it cannot be taken. */
  readonly value: number | null;
  /** What the value depends on. */
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly warnings: readonly string[];
  /** Present where the value is a mean over samples, or is one to first order. */
  readonly form?: LinearForm | undefined;
  /** Values of the repetitions, where there are any; `value` is their mean. */
  readonly repetitions?: readonly number[] | undefined;
  /** What else was found on the way and a person may want to see; finite numbers. */
  readonly details?: Readonly<Record<string, number>> | undefined;
}

/** How a metric becomes records. */
export interface MetricShape<Metric extends string = string> {
  readonly metric: Metric;
  /** Whether its value depends on the seed. */
  readonly random: boolean | ((options: MeasureOptions) => boolean);
  /** What is subtracted from what, larger meaning more memorization; null when the metric has no gap record (inputs.md, section 4). */
  readonly gap: 'train - held_out' | 'held_out - train' | null;
  /** Whether the value depends on how many samples a part has, so that a gap between parts of different size is partly size. */
  readonly dependsOnSize: boolean;
}

/** Metrics that are computed together because they share work. */
export interface MetricFamily<Metric extends string = string> {
  readonly id: string;
  readonly shapes: readonly MetricShape<Metric>[];
  /** The `method` of every record of the family; records of another are stale and measured anew. */
  readonly method: number;
  /** Which neighbours in the probe or the run it compares with; their features are then in the layer. */
  readonly needs?: { readonly previous?: boolean; readonly deepest?: boolean; readonly bothParts?: boolean };
  /**
   * Answers with every metric of the family on one part of the layer. What several families need (rows of length 1, a spectrum, a partition) is
   * kept by part, so that it is computed once.
   * @throws {RangeError} when an option is out of range. A value that cannot be taken is null, never an exception.
   */
  measurePart(part: PartRows, layer: LayerFeatures, options: MeasureOptions, context: MeasureContext): Promise<Readonly<Record<Metric, PartValue>>>;
}
