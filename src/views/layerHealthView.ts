import * as vscode from 'vscode';
import { metricCatalog } from '../metrics/catalog';
import type { FromPanel, PanelSnapshot, ToPanel } from '../protocol';
import { showFailure } from './log';
import { parseChoice } from './panelChoice';
import type { Session, SessionEvent } from './session';
import { pageHtml } from './pageHtml';

export const layerHealthViewId = 'layerscope.layerHealth';

/** Registers the Layer health view: a full snapshot when the page becomes ready or visible, deltas only while it is visible. */
export function registerLayerHealthView(context: vscode.ExtensionContext, session: Session, log: vscode.LogOutputChannel): LayerHealthView {
  const view = new LayerHealthView(context.extensionUri, session, log);
  context.subscriptions.push(view, vscode.window.registerWebviewViewProvider(layerHealthViewId, view));
  return view;
}

export class LayerHealthView implements vscode.WebviewViewProvider, vscode.Disposable {
  #view: vscode.WebviewView | null = null;
  #look: vscode.Disposable | null = null;
  /** Whether the page listens; a page that was hidden is gone and says `ready` again. */
  #pageReady = false;
  /** While a choice that came from the page is applied, it is not sent back. */
  #choiceFromPage = false;
  readonly #subscription: vscode.Disposable;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly session: Session,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.#subscription = session.onDidChange((event) => this.#onSessionEvent(event));
  }

  get visible(): boolean {
    return this.#view?.visible === true;
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.#view = view;
    this.#pageReady = false;
    const root = vscode.Uri.joinPath(this.extensionUri, 'dist', 'webview');
    view.webview.options = { enableScripts: true, enableForms: false, localResourceRoots: [root] };
    view.webview.onDidReceiveMessage((message: FromPanel) => this.#onMessage(message));
    view.onDidChangeVisibility(() => this.#onVisibility());
    view.onDidDispose(() => {
      this.#view = null;
      this.#onVisibility();
    });
    view.webview.html = pageHtml(view.webview, root, { name: 'layerHealth', title: 'Layer health' });
    this.#onVisibility();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#look?.dispose();
  }

  #onVisibility(): void {
    if (this.visible) {
      this.#look ??= this.session.look();
      if (this.#pageReady) this.#post(this.#snapshot());
    } else {
      this.#look?.dispose();
      this.#look = null;
    }
  }

  #onSessionEvent(event: SessionEvent): void {
    const { session } = this;
    switch (event.kind) {
      case 'runs':
        return this.#post({ kind: 'runs', delta: event.delta });
      case 'run':
        return this.#post({ kind: 'run', delta: event.delta });
      case 'progress':
        return this.#post({ kind: 'progress', progress: session.progress });
      case 'worker':
        return this.#post({ kind: 'worker', status: session.worker });
      case 'choice':
        if (this.#choiceFromPage) return;
        return this.#post({ kind: 'choice', choice: session.choice, ...(event.detailChanged ? { detail: session.detail } : {}) });
      case 'folders':
        return this.#post(this.#snapshot());
    }
  }

  #snapshot(): PanelSnapshot {
    const { runs, scanned, folders, detail, choice, progress, worker } = this.session;
    return {
      kind: 'snapshot', runs, scanned, folders: folders.map((folder) => folder.path),
      folderProblems: folders.flatMap(({ path, problem }) => (problem === undefined ? [] : [{ folder: path, reason: problem }])), detail, metrics: metricCatalog, choice, progress, worker,
    };
  }

  #post(message: ToPanel): void {
    if (this.#pageReady && this.visible) void this.#view?.webview.postMessage(message);
  }

  #onMessage(message: FromPanel): void {
    switch (message.kind) {
      case 'ready':
        this.#pageReady = true;
        return this.#post(this.#snapshot());
      case 'choose':
        this.#choiceFromPage = true;
        this.session.choose(parseChoice(message.choice));
        this.#choiceFromPage = false;
        return;
      case 'failed':
        return void showFailure(this.log, 'The Layer health page failed', new Error(message.message));
      default:
        return runCommand(message);
    }
  }
}

/** What the page asks for is what the commands do; their errors are shown by them. */
function runCommand(message: Exclude<FromPanel, { kind: 'ready' | 'choose' | 'failed' }>): void {
  const run = (command: string, ...values: unknown[]): void => void vscode.commands.executeCommand(`layerscope.${command}`, ...values);
  switch (message.kind) {
    case 'measure':
      return run('measureNow');
    case 'cancel':
      return run('cancelMeasurements');
    case 'refresh':
      return run('refresh');
    case 'openSample':
      return run('openSampleRun');
    case 'showLog':
      return run('showLog');
    case 'restartWorker':
      return run('restartWorker');
    case 'export':
      return run(message.format === 'csv' ? 'exportCsv' : 'exportJson');
    case 'openHelp':
      return run('openMetricHelp', message.page);
    case 'openFinding':
      return run('showFinding', message.findingId);
    case 'openFile':
      return run('openFile', message.path);
  }
}
