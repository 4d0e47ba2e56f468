import type { LayerMeasurement, MeasureOptions } from '../metrics/contract';
import type { LabelSuggestions } from '../metrics/labels';
import type { EngineStatus } from '../protocol';

/** One layer of one probe file, to be measured somewhere off the file-following loop. */
export interface FeatureTask {
  readonly kind: 'features';
  /** Absolute path of the probe. */
  readonly file: string;
  readonly layer: string;
  /** Metric ids; a family is computed when any of its metrics is asked for. */
  readonly metrics: readonly string[];
  readonly options: MeasureOptions;
  /** The nearest earlier probe with the same layers and samples; null when there is none, or none of the metrics needs it. */
  readonly previous: CheckpointReference | null;
}

/** Another checkpoint or probe of the run that this one is compared with. */
export interface CheckpointReference {
  /** Absolute path. */
  readonly file: string;
  readonly fileVersion: string;
  readonly fingerprint: string;
}

/** What the drift of a checkpoint is measured against. */
export interface CheckpointReferences {
  /** The nearest earlier checkpoint with the same layers; null when there is none. */
  readonly previous: CheckpointReference | null;
  /** The first checkpoint with the same layers (itself when it is the first); null when its own place in training is not known. */
  readonly first: CheckpointReference | null;
}

/** One weight tensor of one checkpoint. */
export interface WeightTask {
  readonly kind: 'weights';
  /** Absolute path of the checkpoint. */
  readonly file: string;
  readonly layer: string;
  readonly metrics: readonly string[];
  readonly references: CheckpointReferences;
}

/** Samples of one probe to be suggested for labelling, as one of its layers sees them. */
export interface SuggestTask {
  /** Absolute path of the probe. */
  readonly file: string;
  readonly layer: string;
  /** At least 1. */
  readonly count: number;
  readonly part: 'train' | 'held_out';
  readonly seed: number;
}

export type LayerTask = FeatureTask | WeightTask;

/** What is measured now of a layer. */
export interface LayerStep {
  readonly metrics: readonly string[];
  /** Counted from 1: metrics that share their work are one step of each part. */
  readonly step: number;
  readonly steps: number;
}

/** Where the numbers are made: compute threads in the worker, the same in the command line. */
export interface LayerMeasurer {
  /**
   * @param onStep told what is being measured, as often as that changes
   * @throws {FormatError} when the file cannot be used, and an AbortError when `signal` is aborted.
   */
  measure(task: LayerTask, signal: AbortSignal, onStep?: (step: LayerStep) => void): Promise<readonly LayerMeasurement[]>;
  /** Which samples to label next. Fails as `measure` does, and with a RangeError when the count is out of range. */
  suggest(task: SuggestTask, signal: AbortSignal): Promise<LabelSuggestions>;
  engineStatus(): Promise<EngineStatus>;
  close(): Promise<void>;
}
