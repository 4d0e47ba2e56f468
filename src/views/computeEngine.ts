import * as path from 'node:path';
import * as vscode from 'vscode';
import type { EngineChoice, EngineStatus, ModelProviderChoice, ModelProviderStatus } from '../protocol';
import { engineFacts, engineTitle, providerFact } from './engineText';
import type { Session } from './session';
import { setEngine } from './settings';
import { escapeIcons } from './statusText';

export interface ComputeEngineContext {
  readonly session: Session;
  readonly extensionUri: vscode.Uri;
  readonly engineFolder: string;
  /** What `layerscope.modelProvider` says. */
  readonly modelProvider: () => ModelProviderChoice;
}

/** A changed setting reaches the worker at once, but the worker is asked for its engine only every few seconds. */
const patienceMilliseconds = 20_000;

interface Item extends vscode.QuickPickItem {
  readonly act?: () => Promise<void> | void;
}

/** Shows which engine the running worker computes with and why, and why the others are not used; picking one sets it. */
export async function showComputeEngine(context: ComputeEngineContext, openPage: () => Promise<void>): Promise<void> {
  const choice = vscode.workspace.getConfiguration('layerscope').get<EngineChoice>('engine', 'auto');
  const [status, models] = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Layerscope: waiting for the compute engine', cancellable: true },
    async (_, cancelled) => Promise.all([knownEngine(context.session, choice, cancelled), knownProvider(context)]),
  );
  if (status === null) throw new Error(context.session.worker.message || 'no engine is loaded, as no folder is watched');
  const facts = engineFacts(status);
  const engines: Item[] = facts.map(({ name, inUse, label, state, why }) => ({
    label: `$(${inUse ? 'check' : state === 'does not load' ? 'error' : 'circle-outline'}) ${escapeIcons(label)}`,
    description: state,
    detail: escapeIcons(why),
    act: () => (inUse && choice !== 'auto' ? undefined : setEngine(name)),
  }));
  const more: Item[] = [
    { label: 'Models', kind: vscode.QuickPickItemKind.Separator },
    ...(models === null ? [] : [providerItem(models)]),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    ...(choice === 'auto' ? [] : [{ label: '$(wand) Choose automatically', detail: 'The first that loads: onnxruntime, tensorflow, wasm.', act: () => setEngine('auto') }]),
    ...(status.name === 'tensorflow' ? [] : [{ label: '$(cloud-download) Install TensorFlow', detail: 'Puts the command into a terminal; it needs Node.js with npm and downloads some hundred megabytes.', act: () => offerInstall(context) }]),
    { label: '$(settings-gear) Change the setting', act: () => void vscode.commands.executeCommand('workbench.action.openSettings', 'layerscope.engine') },
    { label: '$(book) Read about the engines', act: openPage },
  ];
  const picked = await vscode.window.showQuickPick([...engines, ...more], {
    title: `Layerscope: ${engineTitle(status)}`,
    placeHolder: 'Pick an engine to use it',
    matchOnDetail: true,
  });
  await picked?.act?.();
}

/** On what models run; null where that cannot be found out, which the engine's own status explains. */
async function knownProvider({ session, modelProvider }: ComputeEngineContext): Promise<ModelProviderStatus | null> {
  return session.modelProvider(modelProvider()).catch(() => null);
}

function providerItem(status: ModelProviderStatus): Item {
  const { inUse, label, state, why } = providerFact(status);
  return {
    label: `$(${inUse ? 'check' : 'error'}) ${escapeIcons(label)}`, description: state, detail: escapeIcons(why),
    act: () => void vscode.commands.executeCommand('workbench.action.openSettings', 'layerscope.modelProvider'),
  };
}

/** The worker's engine once it is known and is what the setting asks for, or what is known when patience ends. */
async function knownEngine(session: Session, choice: EngineChoice, cancelled: vscode.CancellationToken): Promise<EngineStatus | null> {
  await session.ready();
  const settled = (): boolean => {
    const { engine, state } = session.worker;
    return state === 'failed' || state === 'stopped' || (engine !== null && (engine.choice ?? choice) === choice);
  };
  if (!settled()) {
    const watching: vscode.Disposable[] = [];
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patienceMilliseconds);
      watching.push(
        new vscode.Disposable(() => clearTimeout(timer)),
        session.onDidChange(() => settled() && resolve()),
        cancelled.onCancellationRequested(() => resolve()),
      );
    });
    for (const one of watching) one.dispose();
  }
  return session.worker.engine;
}

/** A terminal that holds the command but does not run it: nothing is downloaded before the user says so. */
function offerInstall({ extensionUri, engineFolder }: ComputeEngineContext): void {
  const script = vscode.Uri.joinPath(extensionUri, 'scripts', 'engineTensorflow.mjs').fsPath;
  const terminal = vscode.window.createTerminal({ name: 'Layerscope: TensorFlow' });
  terminal.show();
  terminal.sendText(`node "${script}" --folder "${path.join(engineFolder, 'tensorflow')}"`, false);
}
