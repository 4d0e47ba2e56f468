import * as path from 'node:path';
import type * as vscode from 'vscode';
import { WorkerClient } from '../worker/workerClient';
import type { SampleRuns } from './sampleRuns';
import { Session } from './session';
import { onDidChangeSettings, readSettings } from './settings';
import { watchedFolders } from './watchedFolders';

/** Makes the session over the bundled worker. Nothing is started yet. */
export function openSession(context: vscode.ExtensionContext, sample: SampleRuns, log: vscode.LogOutputChannel): Session {
  const workerPath = context.asAbsolutePath(path.join('dist', 'worker.js'));
  const session = new Session({
    connect: ({ memoryLimit }) => new WorkerClient({ workerPath, heapMegabytes: memoryLimit }),
    readSettings: () => readSettings(context),
    readFolders: async () => {
      if (sample.opened) await sample.ensureCopied();
      return watchedFolders(sample);
    },
    memory: context.workspaceState,
    log,
  });
  context.subscriptions.push(session, onDidChangeSettings(() => session.settingsChanged()));
  return session;
}
