import type { FormatRegistry } from '../formats';
import type { MeasureOptions } from '../metrics';
import type { LogLevel } from '../protocol';
import type { StabilityGate } from '../runs';
import type { Clock } from './clock';
import type { FeatureExtractor } from './featureExtractor';
import type { JobQueue } from './jobs';
import type { LayerMeasurer } from './layerMeasurer';
import type { Lots } from './lots';
import type { MethodOf } from './plan';
import type { Poller } from './poller';
import type { Suspects } from './suspects';

/** What the runs share; the monitor provides it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly registry: FormatRegistry;
  readonly gate: StabilityGate;
  readonly poller: Poller;
  readonly queue: JobQueue;
  readonly methodOf: MethodOf;
  readonly suspects: Suspects;
  /** The order in which this process measures while others measure the same. */
  readonly lots: Lots;
  /** What is to be measured of a probe, or of a checkpoint. */
  metricsOf(kind: 'probe' | 'checkpoint'): readonly string[];
  options(): MeasureOptions;
  measureAutomatically(): boolean;
  /** Whether that includes the weights of checkpoints. */
  measureWeights(): boolean;
  measurer(): LayerMeasurer;
  /** Where models are run; null where they are not. */
  extractor(): FeatureExtractor | null;
  /** Runs a few inspections at once, not all: each reads a whole file. */
  inspect<Result>(action: () => Promise<Result>): Promise<Result>;
  /** Waited for by who is about to work for some milliseconds. */
  turn(this: void): Promise<void>;
  /** The folders should be looked at again, soon. */
  rescan(): void;
  /** No engine could be loaded. */
  engineUnavailable(reason: string): void;
  log(level: LogLevel, message: string): void;
}
