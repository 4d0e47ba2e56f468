import * as vscode from 'vscode';
import type { Session } from './session';
import { onDidChangeSettings, openSettings, readComplaints } from './settings';
import { describeComplaint, type SettingComplaint } from './settingValues';
import { withoutLinks } from './withoutLinks';

export interface SettingComplaintsOptions {
  readonly session: Pick<Session, 'onDidChange'>;
  readonly log: Pick<vscode.LogOutputChannel, 'warn'>;
}

/**
 * Tells of settings that cannot be used as they are, when they are read for the worker and when they change: each setting and value once in a session, in the
 * log by itself and several at a time in one notification.
 */
export function registerSettingComplaints(context: vscode.ExtensionContext, { session, log }: SettingComplaintsOptions): void {
  const told = new Set<string>();
  const tellNews = (): void => {
    const news = readComplaints(context).filter((complaint) => !told.has(keyOf(complaint)));
    for (const complaint of news) {
      told.add(keyOf(complaint));
      log.warn(`${describeComplaint(complaint)}.`);
    }
    const [first] = news;
    if (first !== undefined) void tell(first, news);
  };
  context.subscriptions.push(session.onDidChange(({ kind }) => kind === 'folders' && tellNews()), onDidChangeSettings(tellNews));
}

/** What was found may be cut off where it is long. */
function keyOf({ name, found, reason }: SettingComplaint): string {
  return [name, found, reason].join('\n');
}

async function tell(first: SettingComplaint, all: readonly SettingComplaint[]): Promise<void> {
  const open = 'Open Settings';
  const others = all.length > 1 ? ` (and ${all.length - 1} more)` : '';
  const answer = await vscode.window.showWarningMessage(`Layerscope: ${withoutLinks(describeComplaint(first))}${others}`, open);
  if (answer === open) await openSettings(all.map(({ name }) => name));
}
