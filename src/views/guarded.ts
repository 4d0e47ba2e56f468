import * as vscode from 'vscode';
import { showFailure } from './log';

/** Registers commands by name (`layerscope.` is put before it); whatever one of them throws becomes one message with a way to the log. */
export function registerGuarded(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): (name: string, failure: string, run: (argument: unknown, selection: unknown) => Promise<void> | void) => void {
  return (name, failure, run) => {
    const guarded = async (argument: unknown, selection: unknown): Promise<void> => {
      try {
        await run(argument, selection);
      } catch (error) {
        void showFailure(log, failure, error);
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(`layerscope.${name}`, guarded));
  };
}
