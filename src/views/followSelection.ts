import type * as vscode from 'vscode';

/** Milliseconds between two looks, and how many there are: a tree that is being drawn again knows its rows again soon. */
const pause = 100;
const looks = 20;

/** Shows the row that is selected in a tree. While rows are drawn again, VS Code tells a click as a selection of nothing, once: then the tree is asked until it knows. */
export function followSelection<Row>(tree: Pick<vscode.TreeView<Row>, 'selection' | 'onDidChangeSelection'>, show: (row: Row) => void): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const look = (left: number): void => {
    const [row] = tree.selection;
    if (row !== undefined) show(row);
    else if (left > 0) timer = setTimeout(() => look(left - 1), pause);
  };
  const subscription = tree.onDidChangeSelection(() => {
    clearTimeout(timer);
    look(looks);
  });
  return {
    dispose: () => {
      clearTimeout(timer);
      subscription.dispose();
    },
  };
}
