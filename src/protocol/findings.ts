import type { MeasurementRecord } from './records';

export type FindingSeverity = 'watch' | 'act';

/** When something began, with the interval it can be narrowed to. Epochs where the probes have them, else steps. */
export interface Onset {
  readonly axis: 'epoch' | 'step';
  /** First checkpoint at which it is established. */
  readonly at: number;
  /** The last checkpoint before it at which it was not visible. */
  readonly low: number;
  readonly high: number;
}

/** A finding is never shown without what it rests on and what to do about it. */
export interface Finding {
  /** Stable for rule, run and metric. */
  readonly id: string;
  readonly rule: string;
  readonly severity: FindingSeverity;
  /** One sentence in words, for example "Late layers memorize since epoch 96". */
  readonly title: string;
  /** How it was decided, with the numbers. */
  readonly explanation: string;
  readonly advice: readonly string[];
  /** Shallow to deep. */
  readonly layers: readonly string[];
  /** Metrics that carry it, strongest first. */
  readonly metrics: readonly string[];
  readonly onset: Onset;
  /** The records that decided. */
  readonly evidence: readonly MeasurementRecord[];
}
