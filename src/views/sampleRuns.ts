import { cp, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { HostFolder } from './runFacts';

const openedKey = 'layerscope.sampleOpened';

/** The run of the sample worth seeing first: the one that memorizes. */
export const sampleRunToShow = 'simclr-digits-memorizing';

/**
 * The recorded runs that come with the extension, watched beside the workspace without being part of it.
 * They are copied to the extension's storage first: the installation is never written to, whatever `layerscope.results.location` says.
 */
export class SampleRuns {
  constructor(private readonly context: vscode.ExtensionContext) {}

  /** Whether this workspace (or empty window) shows them; survives a reload. */
  get opened(): boolean {
    return this.context.workspaceState.get<boolean>(openedKey, false);
  }

  get folder(): HostFolder {
    const version = String((this.context.extension.packageJSON as { version?: unknown }).version ?? '0');
    return { name: 'Sample runs (recorded)', path: path.join(this.context.globalStorageUri.fsPath, `sample-${version}`), sample: true };
  }

  async open(): Promise<void> {
    // Under development the sample changes without the version.
    if (this.context.extensionMode !== vscode.ExtensionMode.Production) await rm(this.folder.path, { recursive: true, force: true });
    await this.ensureCopied();
    await this.context.workspaceState.update(openedKey, true);
  }

  async close(): Promise<void> {
    await this.context.workspaceState.update(openedKey, undefined);
  }

  /** Copies once a version; times are kept, so that the runs do not look as if they were still training. */
  async ensureCopied(): Promise<void> {
    const target = this.folder.path;
    if (await exists(target)) return;
    const storage = path.dirname(target);
    await mkdir(storage, { recursive: true });
    for (const name of await readdir(storage)) {
      if (name.startsWith('sample-')) await rm(path.join(storage, name), { recursive: true, force: true });
    }
    const partial = `${target}.${process.pid}.partial`;
    await cp(this.context.asAbsolutePath(path.join('media', 'sample')), partial, { recursive: true, preserveTimestamps: true });
    try {
      await rename(partial, target);
    } catch (error) {
      // Another window was faster.
      await rm(partial, { recursive: true, force: true });
      if (!(await exists(target))) throw error;
    }
  }
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
