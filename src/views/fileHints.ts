import * as path from 'node:path';
import * as vscode from 'vscode';
import type { RunSummary } from '../protocol';
import type { Session } from './session';

/** Milliseconds that file events are gathered before the worker hears of them. */
const gatherTime = 250;
/** Folders that are watched at most; the worker's polling finds the rest. */
const maximumFolders = 128;

/**
 * File events as hints to look sooner; the worker's polling is the truth. Only folders that hold files of runs are watched, never what lies
 * below them. Also passes on that workspace folders came or went.
 */
export function registerFileHints(context: vscode.ExtensionContext, session: Session): void {
  const watchers = new Map<string, vscode.Disposable>();
  const touched = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const onFile = (uri: vscode.Uri): void => {
    touched.add(uri.fsPath);
    timer ??= setTimeout(() => {
      timer = undefined;
      session.hint([...touched]);
      touched.clear();
    }, gatherTime);
  };
  const watchFolders = (): void => {
    const wanted = foldersOf(session.runs);
    for (const [folder, watcher] of watchers) {
      if (wanted.has(folder)) continue;
      watcher.dispose();
      watchers.delete(folder);
    }
    for (const folder of wanted) {
      if (!watchers.has(folder)) watchers.set(folder, watch(folder, onFile));
    }
  };
  context.subscriptions.push(
    session.onDidChange((event) => event.kind === 'runs' && watchFolders()),
    vscode.workspace.onDidChangeWorkspaceFolders(() => session.foldersChanged()),
    new vscode.Disposable(() => {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.dispose();
    }),
  );
}

/** The folders that hold files of the runs, those written to last first. */
function foldersOf(runs: readonly RunSummary[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const run of [...runs].sort((a, b) => b.modified - a.modified)) {
    for (const folder of [run.folder, ...run.files.map((file) => path.dirname(path.join(run.folder, file.path)))]) {
      if (folders.size >= maximumFolders) return folders;
      folders.add(folder);
    }
  }
  return folders;
}

function watch(folder: string, onFile: (uri: vscode.Uri) => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), '*'));
  return vscode.Disposable.from(watcher, watcher.onDidCreate(onFile), watcher.onDidChange(onFile), watcher.onDidDelete(onFile));
}
