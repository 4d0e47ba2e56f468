import * as vscode from 'vscode';
import type { HostFolder } from './runFacts';
import type { SampleRuns } from './sampleRuns';

/** What is searched for runs: the workspace folders on a real file system, and the sample runs where they were opened. */
export function watchedFolders(sample: SampleRuns): readonly HostFolder[] {
  const folders = (vscode.workspace.workspaceFolders ?? [])
    .filter((folder) => folder.uri.scheme === 'file')
    .map((folder) => ({ name: folder.name, path: folder.uri.fsPath, sample: false }));
  return sample.opened ? [...folders, sample.folder] : folders;
}

/** Whether a folder is open but none of them lies on a file system that the worker can read. */
export function onlyVirtualFolders(): boolean {
  const folders = vscode.workspace.workspaceFolders ?? [];
  return folders.length > 0 && folders.every((folder) => folder.uri.scheme !== 'file');
}
