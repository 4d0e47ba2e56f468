import * as vscode from 'vscode';
import { type LayerscopeSettings, parseSettings } from './settingValues';

const section = 'layerscope';

/** The settings as they are now, checked. Records go to the workspace's storage, or the user's where no folder is open. */
export function readSettings(context: vscode.ExtensionContext): LayerscopeSettings {
  const configuration = vscode.workspace.getConfiguration(section);
  const storage = context.storageUri ?? context.globalStorageUri;
  return parseSettings((name) => configuration.get(name), storage.fsPath);
}

export function onDidChangeSettings(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(section)) listener();
  });
}

export async function turnOffFindingNotifications(): Promise<void> {
  await vscode.workspace.getConfiguration(section).update('notifications.findings', false, vscode.ConfigurationTarget.Global);
}
