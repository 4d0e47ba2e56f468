import type { LayerMeasurement, MeasureOptions } from '../metrics/contract';
import type { EngineStatus } from '../protocol';

/** One layer of one probe file, to be measured somewhere off the file-following loop. */
export interface LayerTask {
  /** Absolute path of the probe. */
  readonly file: string;
  readonly layer: string;
  /** Metric ids; a family is computed when any of its metrics is asked for. */
  readonly metrics: readonly string[];
  readonly options: MeasureOptions;
}

/** Where the numbers are made: compute threads in the worker, the same in the command line. */
export interface LayerMeasurer {
  /**
   * @throws {FormatError} when the file cannot be used, and an AbortError when `signal` is aborted.
   */
  measure(task: LayerTask, signal: AbortSignal): Promise<readonly LayerMeasurement[]>;
  engineStatus(): Promise<EngineStatus>;
  close(): Promise<void>;
}
