import { stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { LandscapeSurface, RunFile, RunSummary } from '../protocol';
import { type LandscapePanels, readSurfaceFiles } from './landscapePanel';
import { findCheckpoint } from './landscapeText';
import type { Session } from './session';

/** Opens the surfaces of the clicked files, or of those that are picked, in one panel. */
export async function openSurface(panels: LandscapePanels, clicked: unknown, selection: unknown): Promise<void> {
  const uris = chosenUris(clicked, selection) ?? (await pickFiles());
  if (uris === null || uris.length === 0) return;
  const remote = uris.find((uri) => uri.scheme !== 'file');
  if (remote !== undefined) throw new Error(`${remote.toString()} does not lie on this machine`);
  panels.show(await readSurfaceFiles(uris.map((uri) => uri.fsPath)));
}

/** The explorer gives the clicked file and all selected ones. */
function chosenUris(clicked: unknown, selection: unknown): vscode.Uri[] | null {
  const uris = (Array.isArray(selection) && selection.length > 0 ? selection : [clicked]).filter((one): one is vscode.Uri => one instanceof vscode.Uri);
  return uris.length === 0 ? null : uris;
}

async function pickFiles(): Promise<vscode.Uri[] | null> {
  const picked = await vscode.window.showOpenDialog({
    title: 'Layerscope: Open Loss Surface',
    openLabel: 'Open',
    canSelectMany: true,
    filters: { 'Loss surfaces': ['npz', 'h5', 'hdf5', 'safetensors', 'json'] },
  });
  return picked ?? null;
}

/** Chooses the run of a checkpoint everywhere and selects its file, in the Runs tree where that is visible; without such a run, shows the file alone. */
export async function openCheckpoint(
  session: Session, file: string, surface: LandscapeSurface, revealRow: (run: RunSummary, file: RunFile) => Promise<boolean>,
): Promise<void> {
  if (session.runs.length === 0) await session.ready();
  const found = findCheckpoint(file, surface, session.runs);
  if (found !== null) {
    session.choose({ runId: found.run.id, layers: null });
    const row = found.run.files.find((one) => path.resolve(found.run.folder, one.path) === found.path);
    if (row !== undefined && (await revealRow(found.run, row))) return;
  }
  const place = found?.path ?? path.resolve(path.dirname(surface.file), file);
  if (!(await exists(place))) {
    if (found === null) vscode.window.setStatusBarMessage(`Layerscope: ${path.basename(file)} is not in the open folders`, 4000);
    return;
  }
  const uri = vscode.Uri.file(place);
  if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) await vscode.commands.executeCommand('revealInExplorer', uri);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
