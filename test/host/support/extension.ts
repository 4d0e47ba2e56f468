import * as assert from 'node:assert/strict';
import type * as childProcess from 'node:child_process';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { RunDetail, RunSummary } from '../../../src/protocol';
import type { LayerscopeApi } from '../../../src/views/api';
import { eventually } from './waiting';

export const memorizing = 'simclr-digits-memorizing';
export const healthy = 'simclr-digits-healthy';
/** How long measuring one sample run may take on a slow machine that does other things beside it. */
export const measuringLimit = 600_000;

const extension = vscode.extensions.getExtension<LayerscopeApi>('layerscope.layerscope');
const workers: childProcess.ChildProcess[] = [];

/** What the extension's activate() answered; activates it when nothing has yet. */
export async function api(): Promise<LayerscopeApi> {
  assert.ok(extension, 'the extension is not installed');
  if (!extension.isActive) recordForks();
  return extension.activate();
}

export function manifest(): Record<string, unknown> {
  assert.ok(extension, 'the extension is not installed');
  return extension.packageJSON as Record<string, unknown>;
}

/** The worker process that runs now. */
export function runningWorker(): childProcess.ChildProcess | undefined {
  return workers.find((worker) => worker.exitCode === null && worker.signalCode === null);
}

/** The extension forks its worker through node's module object, which it shares with us: this works on every platform. */
function recordForks(): void {
  const shared = createRequire(__filename)('node:child_process') as { fork: typeof childProcess.fork };
  const fork = shared.fork;
  shared.fork = ((...args: Parameters<typeof fork>) => {
    const child = fork(...args);
    if (path.basename(String(args[0])) === 'worker.js') workers.push(child);
    return child;
  }) as typeof fork;
}

/** Where the extension lies. */
export function extensionPath(): string {
  assert.ok(extension, 'the extension is not installed');
  return extension.extensionPath;
}

export function workspaceFolder(): string {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  assert.ok(folder, 'no folder is open');
  return folder;
}

export function inRun(name: string, ...parts: string[]): string {
  return path.join(workspaceFolder(), name, ...parts);
}

/** The run of a name once it satisfies a condition. */
export async function runOnce(name: string, what: string, condition: (run: RunSummary) => boolean, limit = measuringLimit): Promise<RunSummary> {
  const { snapshot } = await api();
  const run = (): RunSummary | undefined => snapshot().runs.find((one) => one.name === name);
  try {
    return await eventually(`${name}: ${what}`, () => (((one) => one !== undefined && condition(one) && one)(run())), limit);
  } catch (error) {
    const { progress, worker } = snapshot();
    const states = run()?.files.map((file) => `${file.path} ${file.state}`).join(', ');
    throw new Error(`${(error as Error).message}; last seen: ${states ?? 'no such run'}; progress ${JSON.stringify(progress)}; worker ${JSON.stringify(worker)}`);
  }
}

export function probesMeasured(run: RunSummary, count?: number): boolean {
  const probes = run.files.filter((file) => file.kind === 'probe');
  return probes.length > 0 && (count === undefined || probes.length === count) && probes.every((file) => file.state === 'measured');
}

/** Shows a run in every surface, the way a person does, and waits until the host has it in full. */
export async function show(name: string): Promise<RunDetail> {
  const { snapshot } = await api();
  const run = await runOnce(name, 'found', () => true);
  await answering('showQuickPick', (items) => (items as { run: RunSummary }[]).find((item) => item.run.id === run.id), () =>
    vscode.commands.executeCommand('layerscope.selectRun'),
  );
  return eventually(`${name} opened`, () => ((detail) => detail?.run.id === run.id && detail)(snapshot().detail));
}

/** Does something while one of VS Code's questions is answered at once instead of by a person. */
export async function answering<Answer>(
  question: 'showQuickPick' | 'showSaveDialog' | 'showInformationMessage' | 'showErrorMessage',
  answer: (first: unknown, options: unknown) => unknown,
  action: () => PromiseLike<Answer>,
): Promise<Answer> {
  const window = vscode.window as unknown as Record<string, (first: unknown, options: unknown) => Promise<unknown>>;
  const original = window[question];
  assert.ok(original);
  window[question] = async (first, options) => answer(await first, options);
  try {
    return await action();
  } finally {
    window[question] = original;
  }
}
