import type { Finding, MeasurementRecord } from '../protocol';
import type { Steps } from './steps';

/** What a caller may change about the decision. */
export interface DiagnoseOptions {
  /**
   * Bound on the probability that a healthy run gets at least one finding of a rule, over everything the rule looks at.
   * Default 0.05.
   */
  readonly falseAlarmLevel: number;
}

export const defaultDiagnoseOptions: DiagnoseOptions = { falseAlarmLevel: 0.05 };

/** One thing that can be wrong with a run. A rule is a pure function of records and answers nothing when it cannot tell. */
export interface Rule {
  /** Stable; the `rule` of its findings. */
  readonly id: string;
  /** What it looks at. */
  readonly metrics: readonly string[];
  /** @param records all records of one run, in any order. */
  find(run: string, records: readonly MeasurementRecord[], options: DiagnoseOptions): Steps<Finding[]>;
}
