import * as vscode from 'vscode';
import { plural } from './runFacts';
import { childNodes, parentNode, rootNodes, type RunsNode } from './runsNodes';
import { treeItem } from './runsTreeItem';
import { runsTreeTooltip } from './runsTreeTooltip';
import type { Session, SessionEvent } from './session';

export const runsViewId = 'layerscope.runs';

/** Milliseconds that changes are gathered before the tree is drawn again. */
const refreshDelay = 300;

/** Registers the Runs tree. Choosing a row chooses its run everywhere; a choice made elsewhere is selected here. */
export function registerRunsTree(context: vscode.ExtensionContext, session: Session): vscode.TreeView<RunsNode> {
  const provider = new RunsTreeProvider(session);
  const tree = vscode.window.createTreeView(runsViewId, { treeDataProvider: provider, showCollapseAll: true, canSelectMany: true });
  const presence = new RunsTreePresence(session, tree, provider);
  context.subscriptions.push(provider, tree, presence);
  return tree;
}

interface Measuring {
  readonly runId: string;
  readonly done: number;
  readonly total: number;
}

const nothingMeasured: Measuring = { runId: '', done: 0, total: 0 };

function measuringOf({ progress }: Session): Measuring {
  return progress ?? nothingMeasured;
}

function sameMeasuring(a: Measuring, b: Measuring): boolean {
  return a.runId === b.runId && a.done === b.done && a.total === b.total;
}

class RunsTreeProvider implements vscode.TreeDataProvider<RunsNode>, vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<RunsNode[] | undefined>();
  readonly #refreshed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly onDidRefresh = this.#refreshed.event;
  #timer: NodeJS.Timeout | undefined;
  /** The rows of runs as VS Code has them, by run: it knows a row again by identity. */
  readonly #runRows = new Map<string, RunsNode>();
  /** How far measuring is, as a row says it. */
  #measuring = nothingMeasured;
  #isAllDue = false;

  constructor(private readonly session: Session) {}

  getTreeItem(node: RunsNode): vscode.TreeItem {
    return treeItem(node, this.session);
  }

  resolveTreeItem(item: vscode.TreeItem, node: RunsNode): vscode.TreeItem {
    item.tooltip = runsTreeTooltip(node);
    return item;
  }

  getChildren(node?: RunsNode): RunsNode[] {
    const { runs, folders } = this.session;
    const rows = node === undefined ? rootNodes(runs, folders) : childNodes(node, runs, folders);
    for (const row of rows) if (row.kind === 'run') this.#runRows.set(row.run.id, row);
    return rows;
  }

  getParent(node: RunsNode): RunsNode | undefined {
    return parentNode(node, this.session.folders);
  }

  /** Whether the tree does not show what the session knows yet. */
  get stale(): boolean {
    return this.#isAllDue;
  }

  refreshSoon(): void {
    this.#isAllDue = true;
    this.#timer ??= setTimeout(() => this.#refresh(), refreshDelay);
  }

  /** Only the row that says how far measuring is, and only when it says something else. */
  refreshProgressSoon(): void {
    const measuring = measuringOf(this.session);
    if (sameMeasuring(measuring, this.#measuring)) return;
    this.#timer ??= setTimeout(() => this.#refresh(), refreshDelay);
  }

  #refresh(): void {
    this.#timer = undefined;
    const before = this.#measuring;
    this.#measuring = measuringOf(this.session);
    if (this.#isAllDue) {
      this.#isAllDue = false;
      this.#runRows.clear();
      this.#changed.fire(undefined);
      return this.#refreshed.fire();
    }
    const rows = [...new Set([before.runId, this.#measuring.runId])].flatMap((id) => this.#runRows.get(id) ?? []);
    if (rows.length > 0) this.#changed.fire(rows);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#changed.dispose();
    this.#refreshed.dispose();
  }
}

/** What the tree view does beside answering questions: it looks while visible, carries the badge, and follows the choice. */
class RunsTreePresence implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  #look: vscode.Disposable | null = null;
  /** Whether the choice moved and its row is to be selected. */
  #selectionDue = true;

  constructor(
    private readonly session: Session,
    private readonly tree: vscode.TreeView<RunsNode>,
    private readonly provider: RunsTreeProvider,
  ) {
    this.#subscriptions = [
      session.onDidChange((event) => this.#onSessionEvent(event)),
      tree.onDidChangeVisibility(() => this.#onVisibility()),
      provider.onDidRefresh(() => this.#selectChosen()),
      tree.onDidChangeSelection(({ selection }) => {
        const node = selection[0];
        if (node !== undefined && node.kind !== 'folder' && node.run.id !== session.choice.runId) {
          session.choose({ runId: node.run.id, layers: null });
        }
      }),
    ];
    this.#onVisibility();
  }

  dispose(): void {
    this.#look?.dispose();
    vscode.Disposable.from(...this.#subscriptions).dispose();
  }

  #onVisibility(): void {
    if (this.tree.visible) {
      this.#look ??= this.session.look();
      this.#selectChosen();
    } else {
      this.#look?.dispose();
      this.#look = null;
    }
  }

  #onSessionEvent(event: SessionEvent): void {
    if (event.kind === 'choice') {
      this.#selectionDue = true;
      return this.#selectChosen();
    }
    if (event.kind === 'run') return;
    if (event.kind === 'progress') return this.provider.refreshProgressSoon();
    this.provider.refreshSoon();
    if (event.kind === 'runs') this.#updateBadge();
  }

  #updateBadge(): void {
    const withFindings = this.session.runs.filter((run) => run.findings.length > 0);
    const count = withFindings.reduce((sum, run) => sum + run.findings.length, 0);
    const tooltip = `${plural(count, 'finding')} in ${plural(withFindings.length, 'run')}`;
    if ((this.tree.badge?.tooltip ?? '') !== (count > 0 ? tooltip : '')) this.tree.badge = count > 0 ? { value: count, tooltip } : undefined;
  }

  /** Selects the chosen run once the tree shows it, unless one of its rows already is selected. */
  #selectChosen(): void {
    const run = this.session.chosenRun;
    if (!this.#selectionDue || run === null || !this.tree.visible || this.provider.stale) return;
    this.#selectionDue = false;
    if (this.tree.selection.some((node) => node.kind !== 'folder' && node.run.id === run.id)) return;
    this.tree.reveal({ kind: 'run', run }, { select: true, focus: false }).then(undefined, () => {
      // The row went away between the choice and its drawing: the next refresh tries again.
      this.#selectionDue = true;
    });
  }
}
