import * as path from 'node:path';
import * as vscode from 'vscode';
import { fillTemplate, freeFileName, type ScriptName } from './companionScript';
import { requireTrust } from './trust';

/** Asks where, and writes a script of the training side there as a new file. @throws {Error} when there is a file already, or none can be written. */
export async function writeScript(extensionUri: vscode.Uri, name: ScriptName, title: string): Promise<void> {
  requireTrust('A script is written');
  const template = vscode.Uri.joinPath(extensionUri, 'companion', 'templates', name);
  const text = fillTemplate(await read(template), vscode.Uri.joinPath(extensionUri, 'companion', 'examples').fsPath);
  const folder = folderToOffer();
  const target = await vscode.window.showSaveDialog({
    title: `Layerscope: ${title}`,
    saveLabel: 'Write Script',
    filters: { Python: ['py'] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, freeFileName(name, await namesIn(folder))) }),
  });
  if (target === undefined) return;
  const edit = new vscode.WorkspaceEdit();
  edit.createFile(target, { overwrite: false, ignoreIfExists: false, contents: new TextEncoder().encode(text) });
  const already = await exists(target);
  if (already || !(await vscode.workspace.applyEdit(edit))) {
    throw new Error(`${path.posix.basename(target.path)} ${already ? 'exists already and is left as it is; choose another name' : 'cannot be written there'}`);
  }
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(target), { preview: false });
}

/** Of the script in front, else the first one. */
function folderToOffer(): vscode.Uri | undefined {
  const { activeTextEditor: editor } = vscode.window;
  const ofEditor = editor === undefined ? undefined : vscode.workspace.getWorkspaceFolder(editor.document.uri);
  return (ofEditor ?? vscode.workspace.workspaceFolders?.[0])?.uri;
}

async function read(file: vscode.Uri): Promise<string> {
  return new TextDecoder().decode(await vscode.workspace.fs.readFile(file));
}

async function namesIn(folder: vscode.Uri): Promise<string[]> {
  return (await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name);
}

function exists(uri: vscode.Uri): Promise<boolean> {
  return Promise.resolve(vscode.workspace.fs.stat(uri)).then(
    () => true,
    () => false,
  );
}
