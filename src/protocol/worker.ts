import type { MeasurementRecord } from './records';
import type { RunDetail, RunSummary, ScalarSeries } from './runs';

/** A folder to look for runs in. */
export interface WatchedFolder {
  readonly name: string;
  /** Absolute path on the machine the worker runs on. */
  readonly path: string;
}

/** The settings the worker needs; names follow the `layerscope.*` configuration. */
export interface WorkerSettings {
  /** Measure new probes without being asked. */
  readonly measureAutomatically: boolean;
  /** Measure the weights of checkpoints, too: after the probes, and only of runs that somebody looks at or that are being written. Default true. */
  readonly measureWeights?: boolean;
  /** epsilon squared of the coding rate (metrics.md, section 1). */
  readonly eps2: number;
  readonly seed: number;
  /** 0: one per core, at most 4. */
  readonly threads: number;
  readonly engine: 'auto' | 'onnxruntime';
  /** Where records are written: beside the run, or in `storageFolder`. Both are read. */
  readonly resultsLocation: 'workspaceStorage' | 'run';
  readonly storageFolder: string;
  /** Glob patterns (minimatch syntax, relative to the workspace folder) that are not searched for runs. */
  readonly exclude: readonly string[];
  /** Glob patterns of folders: runs are then looked for only in these and below them. None: everywhere. */
  readonly include?: readonly string[];
  readonly maximumDepth: number;
  /** Poll interval of a growing file in milliseconds; quiet files are polled less and less often. */
  readonly pollInterval: number;
}

export interface EngineStatus {
  /** `unavailable` when no engine could be loaded; `reason` then says why. */
  readonly name: 'onnxruntime' | 'tensorflow' | 'wasm' | 'unavailable';
  readonly version: string;
  readonly reason: string;
}

export interface MeasureProgress {
  readonly runId: string;
  readonly done: number;
  readonly total: number;
  /** What is being measured now, in words. */
  readonly current: string;
}

export interface WorkerStatus {
  readonly state: 'stopped' | 'starting' | 'running' | 'restarting' | 'failed';
  readonly engine: EngineStatus | null;
  /** Why the worker is down or was restarted, in words. */
  readonly message: string;
  readonly restarts: number;
}

/** Changes to the list of runs. */
export interface RunsDelta {
  readonly changed: readonly RunSummary[];
  readonly removed: readonly string[];
  /** False until the first scan of all folders is complete. */
  readonly scanned: boolean;
}

/** Changes to one opened run since the last snapshot or delta. Apply in the order of the fields. */
export interface RunDelta {
  readonly runId: string;
  readonly run: RunSummary;
  readonly layers: readonly string[];
  readonly weightLayers?: readonly string[];
  /** Sources whose earlier records are void (the file was rewritten or removed). */
  readonly voidedSources: readonly string[];
  readonly records: readonly MeasurementRecord[];
  /** Log files whose series are void and sent anew in `series`. */
  readonly voidedLogs: readonly string[];
  /** Points to append to the series of the same tag and source, or new series. */
  readonly series: readonly ScalarSeries[];
}

/** What the extension host (or the command line) may ask of the worker. */
export interface WorkerApi {
  /** Replaces the watched folders and settings, scans, and answers when the first scan is done. */
  watch(folders: readonly WatchedFolder[], settings: WorkerSettings): Promise<readonly RunSummary[]>;
  /** Whether someone is looking: polling slows down when nobody is. */
  setAttention(visible: boolean): Promise<void>;
  /** One full snapshot; deltas follow until `closeRun`. Opening another run does not close this one. */
  openRun(runId: string): Promise<RunDetail>;
  closeRun(runId: string): Promise<void>;
  /** Queues everything of the run that is not measured yet, ahead of automatic work. `again` measures anew. */
  measure(runId: string, options: { readonly again: boolean }): Promise<void>;
  /** Cancels queued and running measurements; of all runs when `runId` is null. */
  cancel(runId: string | null): Promise<void>;
  /** Looks at all folders now. */
  refresh(): Promise<void>;
  /** File events, as hints to look sooner. Absolute paths. */
  hint(paths: readonly string[]): Promise<void>;
  /** Answers with the process id and resident memory in bytes; the heartbeat. */
  ping(): Promise<{ readonly pid: number; readonly memory: number; readonly engine: EngineStatus }>;
  /** Finishes writing and exits. */
  shutdown(): Promise<void>;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What the worker tells its host. */
export interface WorkerEvents {
  runsChanged(delta: RunsDelta): void;
  runChanged(delta: RunDelta): void;
  /** Null when nothing is being measured any more. */
  progressChanged(progress: MeasureProgress | null): void;
  log(level: LogLevel, message: string): void;
}
