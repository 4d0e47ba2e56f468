import * as vscode from 'vscode';
import { escapeMarkdown, plural, positionOf } from './runFacts';
import type { Session } from './session';
import { statusText } from './statusText';

/** Milliseconds that changes are gathered before the item is written again. */
const updateDelay = 200;

/** Registers the one status-bar item; a click opens Layer health. */
export function registerStatusBar(context: vscode.ExtensionContext, session: Session): void {
  const item = vscode.window.createStatusBarItem('layerscope.status', vscode.StatusBarAlignment.Left, 0);
  item.name = 'Layerscope';
  item.command = 'layerscope.showLayerHealth';
  let timer: NodeJS.Timeout | undefined;
  let shown = '';
  const update = (): void => {
    timer = undefined;
    const { text, label } = statusText(session);
    const details = tooltip(session);
    // What is set is sent to the window, changed or not.
    if (shown === text + details) return;
    shown = text + details;
    item.text = text;
    item.accessibilityInformation = { label: `${label}. Open Layer health.`, role: 'button' };
    item.tooltip = new vscode.MarkdownString(details);
  };
  const subscription = session.onDidChange((event) => {
    if (event.kind !== 'run') timer ??= setTimeout(update, updateDelay);
  });
  context.subscriptions.push(item, subscription, new vscode.Disposable(() => clearTimeout(timer)));
  update();
  item.show();
}

function tooltip(session: Session): string {
  const { runs, folders, progress, worker, chosenRun } = session;
  const lines = [`Watching ${plural(runs.length, 'run')} in ${plural(folders.length, 'folder')}.`];
  if (chosenRun !== null) lines.push(`Shown: ${escapeMarkdown([chosenRun.name, positionOf(chosenRun)].filter((part) => part !== '').join(', '))}`);
  for (const { name, problem } of folders) if (problem !== undefined) lines.push(`Folder ${escapeMarkdown(`${name}: ${problem}`)}`);
  for (const run of runs) {
    for (const finding of run.findings) lines.push(`${escapeMarkdown(run.name)}: ${escapeMarkdown(finding.title)}`);
  }
  if (progress !== null) lines.push(`Measuring ${progress.done} of ${progress.total}.`);
  if (worker.engine?.name === 'unavailable') lines.push(`Nothing can be measured: ${escapeMarkdown(worker.engine.reason)}`);
  if (worker.message !== '') lines.push(escapeMarkdown(worker.message));
  return lines.join('\n\n');
}
