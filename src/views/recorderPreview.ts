import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Insertion } from './recorderEdit';
import { messageOf } from './log';
import { requireTrust } from './trust';

const scheme = 'layerscope-recorder';
const insert = 'Insert';

interface Preview {
  readonly target: vscode.Uri;
  readonly before: string;
  readonly after: string;
  readonly insertions: readonly Insertion[];
  readonly cursor: number;
}

/** Shows a training script beside what it would be with a recorder, and puts the lines in when a person says so. */
export class RecorderPreview implements vscode.TextDocumentContentProvider {
  readonly #previews = new Map<string, Preview>();
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;

  constructor(context: vscode.ExtensionContext) {
    context.subscriptions.push(
      this.#changed,
      vscode.workspace.registerTextDocumentContentProvider(scheme, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const { input } of closed) if (input instanceof vscode.TabInputTextDiff) this.#previews.delete(input.modified.toString());
      }),
    );
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.#previews.get(uri.toString())?.after ?? '';
  }

  /** Shows the preview of the open script. @throws {Error} when no Python script is open or it has a recorder already. */
  async show(): Promise<void> {
    requireTrust('A recorder is added to a script');
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.scheme === scheme) return;
    if (editor === undefined || editor.document.languageId !== 'python') throw new Error('open the Python script that trains, and put the cursor where its training loop is');
    await this.#preview(editor.document, editor.document.offsetAt(editor.selection.active));
  }

  /** Puts the shown lines into the script: one step of undo, nothing is saved. */
  async insert(argument: unknown): Promise<void> {
    requireTrust('A recorder is added to a script');
    const uri = shownPreview(argument);
    const preview = uri === null ? undefined : this.#previews.get(uri.toString());
    if (uri === null || preview === undefined) throw new Error('no preview of a recorder is shown; "Layerscope: Add Recorder to Training Script" makes one');
    const { target, before, insertions, cursor } = preview;
    const document = await vscode.workspace.openTextDocument(target);
    if (document.getText() !== before) {
      await this.#preview(document, cursor);
      throw new Error(`${nameOf(target)} has changed meanwhile; the preview shows it as it is now`);
    }
    const edit = new vscode.WorkspaceEdit();
    for (const { offset, text } of insertions) edit.insert(target, document.positionAt(offset), text);
    const line = document.positionAt(insertions[1]?.offset ?? 0).line;
    if (!(await vscode.workspace.applyEdit(edit))) throw new Error(`VS Code could not change ${nameOf(target)}`);
    await vscode.window.tabGroups.close(tabsOf(uri));
    const editor = await vscode.window.showTextDocument(document, { preview: false });
    // The import stands above.
    const place = new vscode.Range(line + 1, 0, line + 1, 0);
    editor.selection = new vscode.Selection(place.start, place.start);
    editor.revealRange(place, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  }

  async #preview(document: vscode.TextDocument, cursor: number): Promise<void> {
    const before = document.getText();
    const target = document.uri;
    const name = nameOf(target);
    // With the parser of Python, which nothing else needs.
    const { applyInsertions, planRecorder } = await import('./recorderEdit');
    const { insertions, placeholders, notes } = inScript(name, () => planRecorder(before, { cursor, name: path.posix.parse(name).name }));
    // The path tells VS Code that it is Python, the query which script it is.
    const uri = vscode.Uri.from({ scheme, path: target.path.startsWith('/') ? target.path : `/${target.path}`, query: target.toString() });
    this.#previews.set(uri.toString(), { target, before, after: applyInsertions(before, insertions), insertions, cursor });
    this.#changed.fire(uri);
    await vscode.commands.executeCommand('vscode.diff', target, uri, `${name}: Add Recorder`, { preview: true });
    const words = [
      `Layerscope: the lines on the right go into ${name}.`,
      ...(placeholders.length === 0 ? [] : [`You have to set ${placeholders.join(', ')}.`]),
      ...notes,
    ];
    void vscode.window.showInformationMessage(words.join(' '), insert).then((answer) => {
      if (answer === insert) void vscode.commands.executeCommand('layerscope.insertRecorder', uri);
    });
  }
}

/** Says in which script something went wrong. */
function inScript<Result>(name: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
}

/** The preview that a button belongs to, else the one in front. */
function shownPreview(argument: unknown): vscode.Uri | null {
  if (argument instanceof vscode.Uri && argument.scheme === scheme) return argument;
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof vscode.TabInputTextDiff && input.modified.scheme === scheme ? input.modified : null;
}

function tabsOf(preview: vscode.Uri): vscode.Tab[] {
  return vscode.window.tabGroups.all.flatMap(({ tabs }) =>
    tabs.filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === preview.toString()),
  );
}

function nameOf(uri: vscode.Uri): string {
  return path.posix.basename(uri.path);
}
