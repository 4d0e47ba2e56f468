import type {
  LogLevel, MeasureProgress, RunDelta, RunDetail, RunsDelta, RunSummary, WatchedFolder, WorkerApi, WorkerSettings, WorkerStatus,
} from '../protocol';

export interface WorkerClientOptions {
  /** Absolute path of the bundled worker (`dist/worker.js`); `computeThread.js` lies beside it. */
  readonly workerPath: string;
  /** Limit of the worker's JavaScript heap in MiB; typed arrays are outside of it. Default 1024. */
  readonly heapMegabytes?: number;
  /** Milliseconds between two pings. Default 5000. */
  readonly heartbeatInterval?: number;
  /** Milliseconds after which an unanswered ping means the worker hangs: it is killed and started anew. Default 15000. */
  readonly heartbeatTimeout?: number;
  /** Milliseconds from the last user's leaving to the worker's stop. Default 5000. */
  readonly idleStop?: number;
}

/** What a surface can listen to; events come in the order in which the worker sent them. */
export interface WorkerClientListener {
  statusChanged?(status: WorkerStatus): void;
  runsChanged?(delta: RunsDelta): void;
  runChanged?(delta: RunDelta): void;
  /** A full snapshot of an opened run that replaces what was known of it: sent for every opened run after a restart. */
  runReset?(detail: RunDetail): void;
  progressChanged?(progress: MeasureProgress | null): void;
  log?(level: LogLevel, message: string): void;
}

export interface Disposable {
  dispose(): void;
}

/** What the host asks of the worker, whatever state the process is in. */
export interface WorkerConnection extends Disposable {
  readonly status: WorkerStatus;
  listen(listener: WorkerClientListener): Disposable;
  /** Keeps the process alive, and starts it, until disposed. */
  use(): Disposable;
  /** Replaces the watched folders and settings and answers when the first scan is done. */
  watch(folders: readonly WatchedFolder[], settings: WorkerSettings): Promise<readonly RunSummary[]>;
  setAttention(visible: boolean): Promise<void>;
  /** One full snapshot; `runChanged` follows until `closeRun`, and `runReset` after a restart. */
  openRun(runId: string): Promise<RunDetail>;
  closeRun(runId: string): Promise<void>;
  measure(runId: string, options: { readonly again: boolean }): Promise<void>;
  cancel(runId: string | null): Promise<void>;
  refresh(): Promise<void>;
  hint(paths: readonly string[]): Promise<void>;
  ping(): ReturnType<WorkerApi['ping']>;
  /** Starts anew by hand, also from `failed`; forgets earlier restarts. */
  restart(): Promise<void>;
  /** Lets the worker finish writing and waits until it has gone. What was watched and opened is kept for the next start. */
  stop(): Promise<void>;
}
