import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as vscode from 'vscode';
import type { MeasureProgress, RunSummary } from '../../../src/protocol';
import type { HostFolder } from '../../../src/views/runFacts';
import type { RunsNode } from '../../../src/views/runsNodes';
import { registerRunsTree } from '../../../src/views/runsTree';
import type { Session, SessionEvent } from '../../../src/views/session';
import { aFile, aRun } from './samples';

const shown = vi.hoisted(() => ({ provider: null as unknown }));

vi.mock('vscode', () => {
  class Emitter {
    readonly #listeners = new Set<(event: unknown) => void>();
    readonly event = (listener: (event: unknown) => void): object => {
      this.#listeners.add(listener);
      return { dispose: () => this.#listeners.delete(listener) };
    };
    fire(event: unknown): void {
      for (const listener of this.#listeners) listener(event);
    }
    dispose(): void {
      this.#listeners.clear();
    }
  }
  return {
    EventEmitter: Emitter,
    Disposable: { from: () => ({ dispose: () => undefined }) },
    ThemeIcon: class {},
    ThemeColor: class {},
    TreeItem: class {
      constructor(readonly label: string, readonly collapsibleState: number) {}
    },
    MarkdownString: class {
      constructor(readonly value: string) {}
    },
    TreeItemCollapsibleState: { None: 0, Collapsed: 1, Expanded: 2 },
    window: {
      createTreeView: (_id: string, options: { treeDataProvider: unknown }) => {
        shown.provider = options.treeDataProvider;
        return { visible: false, selection: [], onDidChangeVisibility: new Emitter().event, onDidChangeSelection: new Emitter().event };
      },
    },
  };
});

class FakeSession {
  runs: readonly RunSummary[] = [aRun('a', { files: [aFile('/runs/a/probe.npz', { state: 'problem' })] }), aRun('b')];
  progress: MeasureProgress | null = null;
  folders: readonly HostFolder[] = [{ name: 'runs', path: '/runs', sample: false }];
  readonly choice = { runId: null };
  readonly chosenRun = null;
  #listener: (event: SessionEvent) => void = () => undefined;
  onDidChange = (listener: (event: SessionEvent) => void): object => {
    this.#listener = listener;
    return {};
  };
  tell(event: SessionEvent): void {
    this.#listener(event);
  }
}

describe('the Runs tree', () => {
  let session: FakeSession;
  let provider: vscode.TreeDataProvider<RunsNode>;
  let redrawn: (readonly RunsNode[] | undefined)[];

  beforeEach(() => {
    vi.useFakeTimers();
    session = new FakeSession();
    registerRunsTree({ subscriptions: [] } as unknown as vscode.ExtensionContext, session as unknown as Session);
    provider = shown.provider as vscode.TreeDataProvider<RunsNode>;
    redrawn = [];
    provider.onDidChangeTreeData?.((rows) => redrawn.push(rows as readonly RunsNode[] | undefined));
  });
  afterEach(() => vi.useRealTimers());

  function measure(progress: MeasureProgress | null): void {
    session.progress = progress;
    session.tell({ kind: 'progress' });
  }

  it('draws only the row of the run that is measured, the very row VS Code has, and only when it says something else', async () => {
    const rows = (await provider.getChildren()) ?? [];
    measure({ runId: 'b', done: 0, total: 9, current: 'block0, rankme' });
    vi.advanceTimersByTime(1000);
    expect(redrawn).toHaveLength(1);
    expect(redrawn[0]).toEqual([rows[1]]);
    expect(redrawn[0]?.[0]).toBe(rows[1]);
    expect((await provider.getTreeItem(rows[1]!)).description).toBe('measuring 0 of 9');

    measure({ runId: 'b', done: 0, total: 9, current: 'block0, alignment' });
    vi.advanceTimersByTime(1000);
    expect(redrawn).toHaveLength(1);

    measure({ runId: 'b', done: 1, total: 9, current: '' });
    measure({ runId: 'b', done: 2, total: 9, current: '' });
    vi.advanceTimersByTime(1000);
    expect(redrawn).toHaveLength(2);
  });

  it('draws the row again when its measuring is over, and both rows when another run comes next', async () => {
    const rows = (await provider.getChildren()) ?? [];
    measure({ runId: 'b', done: 8, total: 9, current: '' });
    vi.advanceTimersByTime(1000);
    measure({ runId: 'a', done: 0, total: 2, current: '' });
    vi.advanceTimersByTime(1000);
    expect(redrawn[1]).toEqual([rows[1], rows[0]]);
    measure(null);
    vi.advanceTimersByTime(1000);
    expect(redrawn[2]).toEqual([rows[0]]);
    expect((await provider.getTreeItem(rows[0]!)).description).toBe('epoch 4');
  });

  it('is drawn anew as a whole when runs change, once for many changes', () => {
    for (let change = 0; change < 5; change += 1) session.tell({ kind: 'runs', delta: { changed: session.runs, removed: [], scanned: true } });
    measure({ runId: 'a', done: 0, total: 2, current: '' });
    vi.advanceTimersByTime(1000);
    expect(redrawn).toEqual([undefined]);
  });

  it('names a folder that cannot be searched and the reason, beside those that can', async () => {
    session.folders = [...session.folders, { name: 'drive*', path: '/mnt/drive', sample: false, problem: 'does not exist (any more)' }];
    session.tell({ kind: 'folders' });
    vi.advanceTimersByTime(1000);
    expect(redrawn).toEqual([undefined]);
    const rows = (await provider.getChildren()) ?? [];
    const [runs, drive] = await Promise.all(rows.map((row) => provider.getTreeItem(row)));
    expect([runs?.label, runs?.description, runs?.contextValue]).toEqual(['runs', '', 'folder']);
    expect([drive?.label, drive?.description, drive?.contextValue]).toEqual(['drive*', 'does not exist (any more)', 'folder.problem']);
    expect(drive?.accessibilityInformation?.label).toBe('folder drive*, does not exist (any more)');
    expect(drive?.collapsibleState).toBe(0);
    expect((await provider.getChildren(rows[0]))?.length).toBe(2);
    const tooltip = await provider.resolveTreeItem?.(drive!, rows[1]!, {} as vscode.CancellationToken);
    const text = (tooltip?.tooltip as vscode.MarkdownString).value;
    expect(text).toContain('**drive\\***');
    expect(text).toContain('Problem: does not exist \\(any more\\)');
  });

  it('makes a tooltip when it is asked for, with texts from files escaped', async () => {
    session.runs = [aRun('a*b', { note: '[link](command:x)' })];
    const [row] = (await provider.getChildren()) ?? [];
    const item = await provider.getTreeItem(row!);
    expect(item.tooltip).toBeUndefined();
    const resolved = await provider.resolveTreeItem?.(item, row!, {} as vscode.CancellationToken);
    const text = (resolved?.tooltip as vscode.MarkdownString).value;
    expect(text).toContain('**a\\*b**');
    expect(text).toContain('Note: \\[link\\]\\(command\\:x\\)');
  });
});
