import * as vscode from 'vscode';
import packageJson from '../../package.json';
import type { EngineStatus, RunDetail } from '../protocol';
import { readReportParts, reportText } from '../report';

/**
 * Writes a report on what is known of a run: a page with the panel in it, or Markdown where the name ends in `.md`.
 * @param engine with what the worker measures; null while there is none
 */
export async function saveReport(detail: RunDetail, target: vscode.Uri, { engine, extensionUri }: { readonly engine: EngineStatus | null; readonly extensionUri: vscode.Uri }): Promise<void> {
  const parts = /\.md$/i.test(target.path) ? null : await readReportParts(vscode.Uri.joinPath(extensionUri, 'dist', 'webview').fsPath);
  const text = await reportText([{ detail, engine }], parts, { at: new Date(), version: packageJson.version });
  await vscode.workspace.fs.writeFile(target, Buffer.from(text, 'utf8'));
}
