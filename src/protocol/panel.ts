import type { MetricInfo } from './records';
import type { RunDetail, RunSummary } from './runs';
import type { FolderProblem, MeasureProgress, RunDelta, RunsDelta, WorkerStatus } from './worker';

/** What the person chose; kept by the host so that every surface shows the same, and by the webview across reloads. */
export interface PanelChoice {
  readonly runId: string | null;
  /** Null lets the panel choose: what a finding rests on, coding rate reduction, or the first metric that has values. */
  readonly metric: string | null;
  readonly show: 'value' | 'gap';
  readonly axis: 'linear' | 'log';
  /** Layers drawn as lines; null lets the panel choose (deepest, and those of a finding). */
  readonly layers: readonly string[] | null;
  readonly asTable: boolean;
}

/** Everything the panel draws. Sent once when it becomes visible; deltas follow. */
export interface PanelSnapshot {
  readonly kind: 'snapshot';
  readonly runs: readonly RunSummary[];
  /** False until the first scan is complete: "looking", not "nothing found". */
  readonly scanned: boolean;
  readonly folders: readonly string[];
  /** Those of the folders that cannot be searched. Default none. */
  readonly folderProblems?: readonly FolderProblem[];
  readonly detail: RunDetail | null;
  readonly metrics: readonly MetricInfo[];
  readonly choice: PanelChoice;
  readonly progress: MeasureProgress | null;
  readonly worker: WorkerStatus;
}

export type ToPanel =
  | PanelSnapshot
  | { readonly kind: 'runs'; readonly delta: RunsDelta }
  | { readonly kind: 'run'; readonly delta: RunDelta }
  | { readonly kind: 'progress'; readonly progress: MeasureProgress | null }
  | { readonly kind: 'worker'; readonly status: WorkerStatus }
  /** The host changed the choice (a command, the tree); `detail` is set when the run changed. */
  | { readonly kind: 'choice'; readonly choice: PanelChoice; readonly detail?: RunDetail | null };

export type FromPanel =
  /** The page is ready to draw: answer with a snapshot. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'choose'; readonly choice: PanelChoice }
  | { readonly kind: 'measure' }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'refresh' }
  | { readonly kind: 'openSample' }
  | { readonly kind: 'showLog' }
  | { readonly kind: 'restartWorker' }
  | { readonly kind: 'export'; readonly format: 'csv' | 'json' }
  | { readonly kind: 'openHelp'; readonly page: string }
  | { readonly kind: 'openFinding'; readonly findingId: string }
  /** A file of the selected run, relative to its folder. */
  | { readonly kind: 'openFile'; readonly path: string }
  /** The page itself failed; the host logs it. */
  | { readonly kind: 'failed'; readonly message: string };
