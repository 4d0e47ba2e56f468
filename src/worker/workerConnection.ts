import type { FolderProblem, LandscapeNews, LogLevel, MeasureProgress, RunDelta, RunDetail, RunsDelta, WorkerApi, WorkerStatus } from '../protocol';

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
  foldersChanged?(problems: readonly FolderProblem[]): void;
  progressChanged?(progress: MeasureProgress | null): void;
  landscapeChanged?(news: LandscapeNews): void;
  log?(level: LogLevel, message: string): void;
}

export interface Disposable {
  dispose(): void;
}

/**
 * What the host asks of the worker, whatever state the process is in: calls start it, wait for it and are repeated after a restart. Those about models
 * and landscapes are not: they reject when the process ends, which they may be the reason of.
 * After one, `runReset` follows for every opened run.
 */
export interface WorkerConnection extends Disposable, Omit<WorkerApi, 'shutdown' | 'setSuspects' | 'openRun' | 'nextPage'> {
  readonly status: WorkerStatus;
  listen(listener: WorkerClientListener): Disposable;
  /** One full snapshot; deltas follow until `closeRun`. */
  openRun(runId: string): Promise<RunDetail>;
  /** Keeps the process alive, and starts it, until disposed. */
  use(): Disposable;
  /** Starts anew by hand, also from `failed`; forgets earlier restarts. */
  restart(): Promise<void>;
  /** Lets the worker finish writing and waits until it has gone. What was watched and opened is kept for the next start. */
  stop(): Promise<void>;
}
