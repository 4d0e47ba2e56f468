import type { RunDetail } from '../protocol';
import { recordsToCsv, runToJson } from '../store/exportRecords';

export type ExportFormat = 'csv' | 'json';

export interface ExportedRun {
  /** A name that is valid on every platform: the run's, with its folders joined by dashes. */
  readonly fileName: string;
  readonly text: string;
}

/** A run as the text of a file: its records as CSV, or everything that is known of it as JSON. */
export function exportRun(detail: RunDetail, format: ExportFormat): ExportedRun {
  const text = format === 'csv' ? recordsToCsv(detail.records) : runToJson(detail);
  return { fileName: `${safeName(detail.run.name)}.${format}`, text };
}

/** The name of a run as that of a file. */
export function safeName(name: string): string {
  const safe = name.replace(/[/\\]+/g, '-').replace(/[\u0000-\u001f<>:"|?*]/g, '_').replace(/^[.\s-]+|[.\s]+$/g, '');
  return safe === '' ? 'run' : safe;
}
