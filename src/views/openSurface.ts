import { stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { LandscapeSurface } from '../protocol';
import { landscapeViewType, LandscapePanels, readSurfaceFiles } from './landscapePanel';
import { findCheckpoint } from './landscapeText';
import { showFailure } from './log';
import type { Session } from './session';

/** Registers "Open Loss Surface", the panels it opens, and their return after a restart of the editor. */
export function registerLandscape(context: vscode.ExtensionContext, session: Session, log: vscode.LogOutputChannel): LandscapePanels {
  const panels = new LandscapePanels({
    extensionUri: context.extensionUri,
    log,
    openCheckpoint: (file, surface) => openCheckpoint(session, file, surface),
  });
  const openSurface = async (clicked?: unknown, selection?: unknown): Promise<void> => {
    try {
      const uris = chosenUris(clicked, selection) ?? (await pickFiles());
      if (uris === null || uris.length === 0) return;
      const remote = uris.find((uri) => uri.scheme !== 'file');
      if (remote !== undefined) throw new Error(`${remote.toString()} does not lie on this machine`);
      panels.show(await readSurfaceFiles(uris.map((uri) => uri.fsPath)));
    } catch (error) {
      void showFailure(log, 'The loss surface cannot be opened', error);
    }
  };
  context.subscriptions.push(
    panels,
    vscode.commands.registerCommand('layerscope.openSurface', openSurface),
    vscode.window.registerWebviewPanelSerializer(landscapeViewType, panels),
  );
  return panels;
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
    filters: { 'Loss surfaces': ['npz', 'json'] },
  });
  return picked ?? null;
}

/** Chooses the run of a checkpoint everywhere and shows the file; without such a run the file alone. */
async function openCheckpoint(session: Session, file: string, surface: LandscapeSurface): Promise<void> {
  if (session.runs.length === 0) await session.ready();
  const found = findCheckpoint(file, surface, session.runs);
  if (found !== null) session.choose({ runId: found.run.id, layers: null });
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
