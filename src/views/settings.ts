import * as path from 'node:path';
import * as vscode from 'vscode';
import type { EngineChoice, ModelProviderChoice } from '../protocol';
import { type CheckedSettings, checkSettings, type LayerscopeSettings } from './settingValues';

const section = 'layerscope';

/** The settings as they are now, checked. Records go to the workspace's storage, or the user's where no folder is open. */
export function readSettings(context: vscode.ExtensionContext): LayerscopeSettings {
  const { worker, ...others } = readChecked(context).settings;
  // What lies in a folder says which images a model is shown, and may bring the graph.
  return { ...others, worker: { ...worker, runModels: vscode.workspace.isTrusted } };
}

/** What cannot be used of the settings as they are now. */
export function readComplaints(context: vscode.ExtensionContext): CheckedSettings['complaints'] {
  return readChecked(context).complaints;
}

function readChecked(context: vscode.ExtensionContext): CheckedSettings {
  const configuration = vscode.workspace.getConfiguration(section);
  const storage = context.storageUri ?? context.globalStorageUri;
  return checkSettings((name) => configuration.get(name), storage.fsPath, engineFolder(context));
}

/** Where engines that do not come with the extension are installed, each in a folder of its own. */
export function engineFolder(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, 'engines');
}

/** On what models are to run. */
export function modelProvider(context: vscode.ExtensionContext): ModelProviderChoice {
  return readSettings(context).worker.modelProvider ?? 'cpu';
}

/** Sets the engine where it is set now: for the workspace, else for the user. */
export async function setEngine(choice: EngineChoice): Promise<void> {
  const configuration = vscode.workspace.getConfiguration(section);
  const ofWorkspace = configuration.inspect('engine')?.workspaceValue !== undefined;
  await configuration.update('engine', choice, ofWorkspace ? vscode.ConfigurationTarget.Workspace : vscode.ConfigurationTarget.Global);
}

export function onDidChangeSettings(listener: () => void): vscode.Disposable {
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration(section)) listener();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(listener),
  );
}

/** Shows settings in the Settings editor, by their names without the prefix. */
export async function openSettings(names: readonly string[]): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.openSettings', `@id:${names.map((name) => `${section}.${name}`).join(',')}`);
}

export async function turnOffFindingNotifications(): Promise<void> {
  await vscode.workspace.getConfiguration(section).update('notifications.findings', false, vscode.ConfigurationTarget.Global);
}
