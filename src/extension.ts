import type * as vscode from 'vscode';
import { createApi, type LayerscopeApi } from './views/api';
import { registerCommands } from './views/commands';
import { registerCompanionCommands } from './views/companionCommands';
import { registerContextKeys } from './views/contextKeys';
import { registerFileHints } from './views/fileHints';
import { registerLayerHealthView } from './views/layerHealthView';
import { registerLandscape } from './views/landscapeCommands';
import { createLog, showFailure } from './views/log';
import { registerNotifications } from './views/notifications';
import { openSession } from './views/openSession';
import { registerRunsTree } from './views/runsTree';
import { SampleRuns } from './views/sampleRuns';
import type { Session } from './views/session';
import { registerSettingComplaints } from './views/settingComplaints';
import { engineFolder, modelProvider, readSettings } from './views/settings';
import { registerStatusBar } from './views/statusBar';

let session: Session | undefined;

/** Registers everything and returns; the worker starts when something is looked at. */
export function activate(context: vscode.ExtensionContext): LayerscopeApi {
  const log = createLog();
  context.subscriptions.push(log);
  try {
    const sample = new SampleRuns(context);
    session = openSession(context, sample, log);
    registerContextKeys(context, session, () => sample.opened);
    registerCommands(context, { session, sample, extensionUri: context.extensionUri, engineFolder: engineFolder(context), modelProvider: () => modelProvider(context), log });
    registerCompanionCommands(context, log);
    registerStatusBar(context, session);
    registerLandscape(context, { session, log, tree: registerRunsTree(context, session) });
    const view = registerLayerHealthView(context, session, log);
    registerNotifications(context, { session, view, readSettings: () => readSettings(context), sampleFolder: sample.folder.path });
    registerSettingComplaints(context, { session, log });
    registerFileHints(context, session);
    return createApi(session);
  } catch (error) {
    void showFailure(log, 'Activation failed', error);
    throw error;
  }
}

/** Lets the worker finish what it writes. */
export async function deactivate(): Promise<void> {
  await session?.stop();
}
