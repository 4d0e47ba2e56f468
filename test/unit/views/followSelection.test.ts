import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type * as vscode from 'vscode';
import { followSelection } from '../../../src/views/followSelection';

class FakeTree {
  selection: readonly string[] = [];
  listening = true;
  tell: () => void = () => undefined;
  onDidChangeSelection = (listener: (event: vscode.TreeViewSelectionChangeEvent<string>) => unknown): vscode.Disposable => {
    this.tell = () => void (this.listening && listener({ selection: this.selection }));
    return { dispose: () => void (this.listening = false) };
  };
}

describe('what follows the selection of a tree', () => {
  let tree: FakeTree;
  let shown: string[];
  let following: vscode.Disposable;

  beforeEach(() => {
    vi.useFakeTimers();
    tree = new FakeTree();
    shown = [];
    following = followSelection(tree, (row) => shown.push(row));
  });
  afterEach(() => vi.useRealTimers());

  function select(...rows: string[]): void {
    tree.selection = rows;
    tree.tell();
  }

  it('shows a row at once, and once', () => {
    select('step 15');
    vi.advanceTimersByTime(10_000);
    expect(shown).toEqual(['step 15']);
  });

  it('shows a row that was clicked while the tree was being drawn again as soon as the tree knows it', () => {
    select();
    vi.advanceTimersByTime(700);
    expect(shown).toEqual([]);
    tree.selection = ['step 15'];
    vi.advanceTimersByTime(100);
    expect(shown).toEqual(['step 15']);
  });

  it('stops asking when nothing is selected, when another row is, and when it is disposed', () => {
    select();
    vi.advanceTimersByTime(10_000);
    expect(vi.getTimerCount()).toBe(0);
    select();
    select('step 30');
    expect(vi.getTimerCount()).toBe(0);
    select();
    following.dispose();
    expect(vi.getTimerCount()).toBe(0);
    expect(tree.listening).toBe(false);
    expect(shown).toEqual(['step 30']);
  });
});
