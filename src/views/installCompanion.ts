import * as vscode from 'vscode';
import { pipCommand, shellKindOf } from './pipCommand';
import { requireTrust } from './trust';

/** What is used of the Python extension (https://github.com/microsoft/vscode-python/wiki/Python-Environment-APIs). */
interface PythonExtension {
  readonly environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): unknown;
    resolveEnvironment(environment: unknown): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

const runInTerminal = 'Run in Terminal';
const copyCommand = 'Copy Command';

/** Shows how the wheel that comes with the extension is installed, and does it in a terminal when a person says so. */
export async function installCompanion(extensionUri: vscode.Uri): Promise<void> {
  requireTrust('The training companion is installed');
  const wheel = await findWheel(extensionUri);
  const python = (await pythonOfExtension()) ?? (await pickPython());
  if (python === null) return;
  const command = pipCommand(python, wheel.fsPath, shellKindOf(vscode.env.shell, process.platform));
  const detail = `${command}\n\nThe package needs PyTorch 1.13 or newer; where that is missing, pip downloads it, which is large.`;
  const answer = await vscode.window.showInformationMessage('Install the training companion of Layerscope with this command?', { modal: true, detail }, runInTerminal, copyCommand);
  if (answer === copyCommand) await vscode.env.clipboard.writeText(command);
  if (answer !== runInTerminal) return;
  const terminal = vscode.window.createTerminal({ name: 'Layerscope: Companion' });
  terminal.show();
  terminal.sendText(command, true);
}

async function findWheel(extensionUri: vscode.Uri): Promise<vscode.Uri> {
  const folder = vscode.Uri.joinPath(extensionUri, 'dist', 'companion');
  const [wheel] = (await vscode.workspace.fs.readDirectory(folder)).map(([name]) => name).filter((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`no wheel lies in ${folder.fsPath}`);
  return vscode.Uri.joinPath(folder, wheel);
}

/** The interpreter chosen in the Python extension; null when it is not there or knows none. */
async function pythonOfExtension(): Promise<string | null> {
  const extension = vscode.extensions.getExtension<PythonExtension>('ms-python.python');
  if (extension === undefined) return null;
  try {
    const { environments } = await extension.activate();
    const resource = vscode.window.activeTextEditor?.document.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri;
    const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(resource));
    return environment?.executable.uri?.fsPath ?? null;
  } catch {
    // Another version of it, or one that failed: a person can still choose.
    return null;
  }
}

interface PythonItem extends vscode.QuickPickItem {
  /** Null asks for a file. */
  readonly python: string | null;
}

async function pickPython(): Promise<string | null> {
  const windows = process.platform === 'win32';
  const usual = windows ? 'python' : 'python3';
  const environments = await environmentsOfWorkspace(windows ? ['Scripts', 'python.exe'] : ['bin', 'python']);
  const items: PythonItem[] = [
    ...environments.map((python) => ({ python, label: python, description: 'in the workspace' })),
    { python: usual, label: usual, description: 'the first on the PATH' },
    { python: null, label: 'Choose an interpreter...' },
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'Layerscope: Install Training Companion', placeHolder: 'Into which Python? Take the one that trains.' });
  if (picked === undefined) return null;
  if (picked.python !== null) return picked.python;
  const chosen = await vscode.window.showOpenDialog({ title: 'A Python interpreter', openLabel: 'Use This Python', canSelectMany: false });
  return chosen?.[0]?.fsPath ?? null;
}

async function environmentsOfWorkspace(program: readonly string[]): Promise<string[]> {
  const candidates = (vscode.workspace.workspaceFolders ?? []).flatMap(({ uri }) => ['.venv', 'venv'].map((name) => vscode.Uri.joinPath(uri, name, ...program)));
  const there = await Promise.all(candidates.map((uri) => Promise.resolve(vscode.workspace.fs.stat(uri)).then(() => true, () => false)));
  return candidates.filter((_, at) => there[at]).map((uri) => uri.fsPath);
}
