import * as path from 'node:path';
import * as vscode from 'vscode';
import { chooseExport, ComputeLandscape, resumeLandscape } from './computeLandscape';
import { followSelection } from './followSelection';
import { registerGuarded } from './guarded';
import { LandscapeJob } from './landscapeJob';
import { LandscapePanels, landscapeViewType } from './landscapePanel';
import { openCheckpoint, openSurface } from './openSurface';
import type { RunsNode } from './runsNodes';
import type { Session } from './session';
import { modelProvider } from './settings';

export interface LandscapeContext {
  readonly session: Session;
  readonly log: vscode.LogOutputChannel;
  /** The Runs tree. */
  readonly tree: vscode.TreeView<RunsNode>;
}

/** Registers what concerns loss surfaces: opening files, computing them, the panels, and their return after a restart of the editor. */
export function registerLandscape(context: vscode.ExtensionContext, { session, log, tree }: LandscapeContext): LandscapePanels {
  const panels = new LandscapePanels({
    extensionUri: context.extensionUri,
    log,
    openCheckpoint: (file, surface) =>
      openCheckpoint(session, file, surface, async (run, row) => {
        if (!tree.visible) return false;
        await tree.reveal({ kind: 'file', run, file: row }, { select: true, focus: false });
        return true;
      }),
    makeJob: (order, surfaces) => new LandscapeJob(session, order, surfaces),
    resume: (job) => resumeLandscape(session, job, modelProvider(context)),
    chooseExport: (job) => chooseExport(session, job, modelProvider(context)),
  });
  const compute = new ComputeLandscape({ session, panels, memory: context.workspaceState, provider: () => modelProvider(context) });
  const register = registerGuarded(context, log);
  register('openSurface', 'The loss surface cannot be opened', (clicked, selection) => openSurface(panels, clicked, selection));
  register('computeLandscape', 'The loss landscape cannot be computed', (clicked, selection) => compute.run(clicked, selection));
  context.subscriptions.push(
    panels,
    vscode.window.registerWebviewPanelSerializer(landscapeViewType, panels),
    followSelection(tree, (node) => {
      if (node.kind === 'file' && node.file.kind === 'checkpoint') panels.selectCheckpoint(path.resolve(node.run.folder, node.file.path));
    }),
  );
  return panels;
}
