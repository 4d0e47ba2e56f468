import * as vscode from 'vscode';
import type { Finding, RunSummary } from '../protocol';
import type { LayerHealthView } from './layerHealthView';
import { contains } from './runFacts';
import type { Session } from './session';
import { turnOffFindingNotifications } from './settings';
import type { LayerscopeSettings } from './settingValues';
import { withoutLinks } from './withoutLinks';

const toldKey = 'layerscope.toldFindings';
/** Milliseconds that findings are gathered; by then the views show what they are going to show. */
const gatherTime = 2000;
/** Findings remembered as told; the oldest are forgotten first. */
const remembered = 500;

interface News {
  readonly run: RunSummary;
  readonly finding: Finding;
}

export interface NotificationOptions {
  readonly session: Session;
  readonly view: LayerHealthView;
  readonly readSettings: () => LayerscopeSettings;
  /** Runs below this folder come with the extension: nobody needs a warning about them. */
  readonly sampleFolder: string;
}

/** Tells of each finding that asks for action once, several in one notification, and not of what is on the screen already. */
export function registerNotifications(context: vscode.ExtensionContext, options: NotificationOptions): void {
  const { session, view } = options;
  let told: readonly string[] = context.workspaceState.get<readonly string[]>(toldKey, []);
  let timer: NodeJS.Timeout | undefined;
  const tellNews = (): void => {
    timer = undefined;
    const known = new Set(told);
    const news = session.runs
      .filter((run) => !contains(options.sampleFolder, run.folder))
      .flatMap((run) => run.findings.map((finding): News => ({ run, finding })))
      .filter(({ run, finding }) => finding.severity === 'act' && !known.has(keyOf(run, finding)));
    if (news.length === 0) return;
    told = [...told, ...news.map(({ run, finding }) => keyOf(run, finding))].slice(-remembered);
    void context.workspaceState.update(toldKey, told);
    const unseen = news.filter(({ run }) => !(view.visible && session.choice.runId === run.id));
    const [first] = unseen;
    if (first !== undefined && options.readSettings().notifyFindings) void tell(first, unseen.length - 1);
  };
  const subscription = session.onDidChange((event) => {
    if (event.kind === 'runs') timer ??= setTimeout(tellNews, gatherTime);
  });
  context.subscriptions.push(subscription, new vscode.Disposable(() => clearTimeout(timer)));
}

function keyOf(run: RunSummary, finding: Finding): string {
  return `${run.id}\n${finding.id}`;
}

async function tell({ run, finding }: News, more: number): Promise<void> {
  const show = 'Show';
  const never = 'Do Not Show Again';
  const others = more > 0 ? ` (and ${more} more)` : '';
  const answer = await vscode.window.showWarningMessage(withoutLinks(`${run.name}: ${finding.title}${others}`), show, never);
  if (answer === show) await vscode.commands.executeCommand('layerscope.showFinding', { kind: 'finding', run, finding });
  if (answer === never) await turnOffFindingNotifications();
}
