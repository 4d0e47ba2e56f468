import * as vscode from 'vscode';

/** @throws {Error} in Restricted Mode: the manifest disables the commands there, but anything can call a command. */
export function requireTrust(what: string): void {
  if (!vscode.workspace.isTrusted) throw new Error(`${what} only in a trusted workspace (command "Workspaces: Manage Workspace Trust")`);
}
