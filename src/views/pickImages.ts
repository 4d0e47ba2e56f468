import * as path from 'node:path';
import * as vscode from 'vscode';
import { escapeIcons } from './statusText';

/** Something that can be taken without a file dialog. */
export interface OtherImages<Value> {
  readonly value: Value;
  readonly label: string;
  readonly description?: string;
  readonly detail?: string;
}

/** Asks for a folder or a file of images: what was taken before, something else that is named, or what a dialog gives. Undefined when the person left. */
export async function pickImages<Value = never>(title: string, placeHolder: string, others: readonly OtherImages<Value>[] = []): Promise<Value | string | undefined> {
  interface Item extends vscode.QuickPickItem {
    readonly other?: OtherImages<Value>;
    readonly isFolder?: boolean;
  }
  const items: Item[] = [
    ...others.map((other): Item => ({ other, label: other.label, ...(other.description === undefined ? {} : { description: other.description }), ...(other.detail === undefined ? {} : { detail: other.detail }) })),
    { isFolder: true, label: '$(folder-opened) Folder\u2026', detail: 'PNG, JPEG and WebP images, or CIFAR\u2019s binary files' },
    { isFolder: false, label: '$(file-binary) File\u2026', detail: 'An array (.npy, .npz, .safetensors), MNIST\u2019s idx, or one binary file of CIFAR' },
  ];
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder, ignoreFocusOut: true });
  if (picked === undefined) return undefined;
  if (picked.other !== undefined) return picked.other.value;
  const isFolder = picked.isFolder === true;
  const uris = await vscode.window.showOpenDialog({ title: `${title}: Images`, openLabel: 'Use', canSelectFolders: isFolder, canSelectFiles: !isFolder });
  const uri = uris?.[0];
  if (uri === undefined) return undefined;
  if (uri.scheme !== 'file') throw new Error(`${uri.toString()} does not lie on this machine`);
  return uri.fsPath;
}

/** A path that was taken before, as an item. */
export function knownImages(file: string, what: string): OtherImages<string> {
  return { value: file, label: `$(history) ${escapeIcons(path.basename(file))}`, description: what, detail: escapeIcons(path.dirname(file)) };
}
