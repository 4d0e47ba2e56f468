import * as vscode from 'vscode';
import type { LogLevel } from '../protocol';
import { messageOf } from './messageOf';
import { withoutLinks } from './withoutLinks';

/** The one channel everything is logged to: View > Output > Layerscope. */
export function createLog(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel('Layerscope', { log: true });
}

export function writeLog(log: vscode.LogOutputChannel, level: LogLevel, message: string): void {
  log[level](message);
}

export { messageOf };

/** One error message with a way to the log. Resolves once the person has seen it; nobody needs to wait for that. */
export async function showFailure(log: vscode.LogOutputChannel, what: string, error: unknown): Promise<void> {
  log.error(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  const showLog = 'Show Log';
  const answer = await vscode.window.showErrorMessage(withoutLinks(`Layerscope: ${what}: ${messageOf(error)}`), showLog);
  if (answer === showLog) log.show();
}
