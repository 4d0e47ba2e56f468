import type { LandscapeEnd, LandscapeNews, LandscapeOrder, ModelFacts, ModelInspection, ModelProviderChoice, ModelProviderStatus } from './landscapeJob';
import type { ProbeData } from './probeData';
import type { MeasurementRecord } from './records';
import type { OpenedRun, RunPage, RunSummary, ScalarSeries } from './runs';

/** A folder to look for runs in. */
export interface WatchedFolder {
  readonly name: string;
  /** Absolute path on the machine the worker runs on. */
  readonly path: string;
}

/** Why a watched folder cannot be searched. */
export interface FolderProblem {
  /** Its path, as it was given. */
  readonly folder: string;
  /** For example "does not exist (any more)". */
  readonly reason: string;
}

/** The settings the worker needs; names follow the `layerscope.*` configuration. */
export interface WorkerSettings {
  /** Measure new probes without being asked. */
  readonly measureAutomatically: boolean;
  /** Measure the weights of checkpoints, too: after the probes, and only of runs that somebody looks at, that are being written, or that probe data were chosen for. Default true. */
  readonly measureWeights?: boolean;
  /** epsilon squared of the coding rate (metrics.md, section 1). */
  readonly eps2: number;
  readonly seed: number;
  /** Classes of the coding rate within: the views of a sample, clusters, or labels. Default `views`. */
  readonly partition?: 'views' | 'clusters' | 'labels';
  /** Clusters of k-means, or `best`: the number with the best silhouette out of a stated set. Default 10. */
  readonly clusters?: number | 'best';
  /** Metrics or groups of metrics to measure, by id or name; none: all. */
  readonly metrics?: readonly string[];
  /** 0: one per core, at most 4. */
  readonly threads: number;
  readonly engine: EngineChoice;
  /** On what models run, for features and landscapes. Default `cpu`. */
  readonly modelProvider?: ModelProviderChoice;
  /** Where engines that do not come with the extension are installed, each in a folder of its own. */
  readonly engineFolder?: string;
  /** Whether models of checkpoints are run at all: not before a folder is trusted, as what is in it would say which. Default true. */
  readonly runModels?: boolean;
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

export type EngineName = 'onnxruntime' | 'tensorflow' | 'wasm';

/** `auto`: the first of the engines that can be loaded. */
export type EngineChoice = 'auto' | EngineName;

/** An engine that is not in use. */
export interface OtherEngine {
  readonly name: EngineName;
  /** Whether it was tried and could not be loaded; `reason` then says why, else where it would come from. */
  readonly failed: boolean;
  readonly reason: string;
}

/** A layer that was being measured when the worker process died. */
export interface SuspectLayer {
  /** As in `WorkerEvents.workChanged`. */
  readonly key: string;
  /** How many processes died with it in work. */
  readonly deaths: number;
}

export interface EngineStatus {
  /** `unavailable` when no engine could be loaded; `reason` then says why. */
  readonly name: EngineName | 'unavailable';
  readonly version: string;
  readonly reason: string;
  /** What was asked for. */
  readonly choice?: EngineChoice;
  readonly others?: readonly OtherEngine[];
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
  /**
   * A snapshot of the run as it is now; `nextPage` brings the rest of it. Deltas of what changes from now on follow until `closeRun`, and may come
   * before the pages do. Opening another run does not close this one.
   */
  openRun(runId: string): Promise<OpenedRun>;
  /** The next page of a snapshot, null after the last one. */
  nextPage(ticket: number): Promise<RunPage | null>;
  closeRun(runId: string): Promise<void>;
  /** Queues everything of the run that is not measured yet, ahead of automatic work. `again` measures anew. */
  measure(runId: string, options: { readonly again: boolean }): Promise<void>;
  /** Which samples of a probe (its path relative to the run's folder) to label next, as its deepest layer sees them. */
  suggestLabels(runId: string, request: { readonly probe: string; readonly count: number }): Promise<LabelAdvice>;
  /** What the model of a checkpoint is, which losses it has, and what an option has to say of it. */
  inspectModel(inspection: ModelInspection): Promise<ModelFacts>;
  /** Computes a landscape, one after the other, and answers when it ends; until then `landscapeChanged` tells what is known. Points are kept beside the records of their run. */
  computeLandscape(id: string, order: LandscapeOrder): Promise<LandscapeEnd>;
  cancelLandscape(id: string): Promise<void>;
  /** On what a model would run, found by making a session. */
  modelProvider(choice: ModelProviderChoice): Promise<ModelProviderStatus>;
  /** What the model of the run is shown where no probe was recorded; null when nothing was chosen. Fails with the reason when what is stored cannot be read. */
  probeData(runId: string): Promise<ProbeData | null>;
  /**
   * Chooses that, or with null that the model is not run. Fails, naming file, place and reason, when images cannot be opened or do not fit the model of the
   * newest checkpoint; nothing is remembered then. Choosing, also the same again, voids what was extracted before; without a checkpoint only the images are looked at.
   */
  setProbeData(runId: string, data: ProbeData | null): Promise<void>;
  /** Cancels queued and running measurements; of all runs when `runId` is null. */
  cancel(runId: string | null): Promise<void>;
  /** Looks at all folders now. */
  refresh(): Promise<void>;
  /** File events, as hints to look sooner. Absolute paths. */
  hint(paths: readonly string[]): Promise<void>;
  /** Answers with the process id and resident memory in bytes; the heartbeat. */
  ping(): Promise<{ readonly pid: number; readonly memory: number; readonly engine: EngineStatus }>;
  /** Replaces what is known of layers that may have ended earlier processes: those are measured last and alone, or not at all. */
  setSuspects(suspects: readonly SuspectLayer[]): Promise<void>;
  /** Finishes writing and exits. */
  shutdown(): Promise<void>;
}

/** Which samples of a probe to label next, in the order in which they should be labelled. */
export interface LabelAdvice {
  /** The layer whose features decided. */
  readonly layer: string;
  /** Training samples of the probe. */
  readonly samples: number;
  /** Of these, how many are labelled. */
  readonly labelled: number;
  /** Into how many clusters they were put. */
  readonly clusters: number;
  readonly suggestions: readonly LabelSuggestion[];
  /** Why there are fewer suggestions than asked for, if so. */
  readonly warnings: readonly string[];
}

export interface LabelSuggestion {
  /** As in the probe; text when it is a whole number beyond 2^53. */
  readonly sampleId: number | string;
  /** One sentence. */
  readonly reason: string;
  /** Samples of its cluster. */
  readonly clusterSize: number;
  /** Of these, how many were labelled, or suggested before it. */
  readonly covered: number;
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** What the worker tells its host. */
export interface WorkerEvents {
  runsChanged(delta: RunsDelta): void;
  runChanged(delta: RunDelta): void;
  /** All watched folders that cannot be searched: once after the first scan, then whenever that changes. */
  foldersChanged(problems: readonly FolderProblem[]): void;
  /** Null when nothing is being measured any more. */
  progressChanged(progress: MeasureProgress | null): void;
  /** The layers that are being measured from now on, each by a key that stays the same across processes. */
  workChanged(keys: readonly string[]): void;
  /** At most some times a second. */
  landscapeChanged(news: LandscapeNews): void;
  log(level: LogLevel, message: string): void;
}
