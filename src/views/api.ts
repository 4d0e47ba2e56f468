import type * as vscode from 'vscode';
import type { MeasureProgress, PanelChoice, RunDetail, RunSummary, WorkerStatus } from '../protocol';
import type { Session } from './session';

/** What Layerscope knows at one moment. Copies nothing: treat it as read-only. */
export interface SessionSnapshot {
  readonly runs: readonly RunSummary[];
  /** False until the first scan of all folders is complete. */
  readonly scanned: boolean;
  /** The shown run in full; null while none is chosen or it is being opened. */
  readonly detail: RunDetail | null;
  readonly choice: PanelChoice;
  readonly progress: MeasureProgress | null;
  readonly worker: WorkerStatus;
}

/** What `activate()` answers: `vscode.extensions.getExtension('layerscope.layerscope')?.exports`. For tests; not stable. */
export interface LayerscopeApi {
  snapshot(): SessionSnapshot;
  /** Starts the worker if need be and resolves once the first scan is complete. */
  ready(): Promise<void>;
  /** Fires after each change of what `snapshot` answers. */
  readonly onDidChange: vscode.Event<void>;
}

export function createApi(session: Session): LayerscopeApi {
  return {
    snapshot: () => {
      const { runs, scanned, detail, choice, progress, worker } = session;
      return { runs, scanned, detail, choice, progress, worker };
    },
    ready: () => session.ready(),
    onDidChange: (listener, thisArgument, disposables) => session.onDidChange(() => listener.call(thisArgument), undefined, disposables),
  };
}
