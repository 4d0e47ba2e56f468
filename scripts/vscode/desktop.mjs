import { downloadAndUnzipVSCode } from '@vscode/test-electron';
import path from 'node:path';
import { cache } from './paths.mjs';
import { onPath } from './processes.mjs';
import * as versions from './versions.mjs';

const downloads = path.join(cache, 'vscode-desktop');

/** Whether a window can be shown here. */
export function hasDisplay() {
  return process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** The desktop `code` on PATH; inside a remote terminal `code` only forwards to another machine and does not count. */
export function desktopCode() {
  return process.env.VSCODE_IPC_HOOK_CLI === undefined ? onPath('code') : undefined;
}

/**
 * Downloads the desktop VS Code of @vscode/test-electron.
 * @returns `{ executable }`, or `{ reason }` in words when it cannot be had.
 */
export async function downloadDesktop(log = console.log) {
  if (!hasDisplay()) return { reason: 'there is no display' };
  try {
    await fetch('https://update.code.visualstudio.com/api/releases/stable', { signal: AbortSignal.timeout(6000) });
  } catch (error) {
    return { reason: `the download of VS Code is out of reach (${error.cause?.code ?? error.name})` };
  }
  try {
    log(`Getting the desktop VS Code (${versions.desktop}) into .cache/vscode-desktop ...`);
    return { executable: await downloadAndUnzipVSCode({ version: versions.desktop, cachePath: downloads }) };
  } catch (error) {
    return { reason: `the download of VS Code failed (${error.message})` };
  }
}
