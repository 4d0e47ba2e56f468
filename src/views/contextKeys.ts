import * as vscode from 'vscode';
import type { Session } from './session';
import { onlyVirtualFolders } from './watchedFolders';

/** What the welcome texts and menus ask for in their `when` clauses. */
export type LayerscopeState = 'idle' | 'noFolder' | 'virtual' | 'looking' | 'empty' | 'runs' | 'failed';

export function registerContextKeys(context: vscode.ExtensionContext, session: Session, sampleOpened: () => boolean): void {
  const last = new Map<string, unknown>();
  const set = (key: string, value: unknown): void => {
    if (last.get(key) === value) return;
    last.set(key, value);
    void vscode.commands.executeCommand('setContext', `layerscope.${key}`, value);
  };
  const update = (): void => {
    set('state', stateOf(session));
    set('measuring', session.progress !== null);
    set('asTable', session.choice.asTable);
    set('sampleOpened', sampleOpened());
  };
  context.subscriptions.push(session.onDidChange((event) => event.kind !== 'run' && update()));
  update();
}

export function stateOf(session: Session): LayerscopeState {
  if (session.worker.state === 'failed') return 'failed';
  if (session.runs.length > 0) return 'runs';
  if (session.folders.length === 0) {
    if (onlyVirtualFolders()) return 'virtual';
    return (vscode.workspace.workspaceFolders ?? []).length === 0 ? 'noFolder' : 'idle';
  }
  return session.scanned ? 'empty' : 'looking';
}
