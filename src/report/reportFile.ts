import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { explainSystemError, FormatError } from '../formats';
import type { ReportData } from '../protocol';
import { type ReportAssets, renderHtml } from './html';
import { renderMarkdown } from './markdown';
import { panelData } from './panelData';
import { reportDocument, type ReportOptions } from './reportDocument';
import type { ReportedRun } from './runSection';
import { shareableRuns } from './shareable';

/** What a report takes from the build: the panel of the editor and what stands in for the editor around it. */
export type ReportParts = Pick<ReportAssets, 'styles' | 'scripts'>;

/** @param folder of the bundled pages, `dist/webview`. @throws {FormatError} when a part is not there. */
export async function readReportParts(folder: string): Promise<ReportParts> {
  const read = async (name: string): Promise<string> => {
    const file = path.join(folder, name);
    return readFile(file, 'utf8').catch((error: unknown) => {
      throw new FormatError(file, '', `${explainSystemError(error)}; it is part of the build (npm run build)`);
    });
  };
  const [panelStyle, style, script, panelScript] = await Promise.all(['layerHealth.css', 'report.css', 'report.js', 'layerHealth.js'].map(read));
  return { styles: [panelStyle ?? '', style ?? ''], scripts: [script ?? '', panelScript ?? ''] };
}

/** What the page is made of. The data are repetitive: gzip makes a fifth of them. */
async function reportAssets(parts: ReportParts, data: ReportData): Promise<ReportAssets> {
  const packed = await promisify(gzip)(JSON.stringify(data), { level: 9 });
  return { ...parts, data: packed.toString('base64'), sha256: (text) => createHash('sha256').update(text, 'utf8').digest('base64') };
}

/**
 * The text of the file: what may be shown to others of the runs, as HTML with these parts, without them as Markdown.
 * @param runs as they were measured, in the order in which they are shown
 */
export async function reportText(runs: readonly ReportedRun[], parts: ReportParts | null, options: ReportOptions): Promise<string> {
  const details = shareableRuns(runs.map(({ detail }) => detail));
  const document = reportDocument(runs.map((run, place): ReportedRun => ({ ...run, detail: details[place] ?? run.detail })), options);
  return parts === null ? renderMarkdown(document) : renderHtml(document, await reportAssets(parts, panelData(details)));
}
