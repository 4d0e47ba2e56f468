import type { MeasurementRecord, RunDetail } from '../protocol';

const columns = [
  'run', 'source', 'sourceVersion', 'epoch', 'step', 'layer', 'layerIndex', 'metric', 'split', 'value', 'standardError', 'low95', 'high95',
  'standardDeviation', 'n', 'd', 'views', 'seed', 'method', 'warnings',
] as const;

export type Cell = string | number | boolean | null | undefined;

/** What a spreadsheet takes for the start of a formula. Numbers may begin with a minus, text may not. */
const formulaStart = /^[=+\-@\t\r]/;

/**
 * The records as CSV (RFC 4180: comma, CRLF, quotes doubled), one row a record, with a header. Absent values are empty cells;
 * options follow as columns `option.NAME`, warnings are joined by " | ". Numbers keep every digit.
 * Text that a spreadsheet would run as a formula (a layer named "=cmd()") gets an apostrophe in front (OWASP, "CSV Injection").
 */
export function recordsToCsv(records: readonly MeasurementRecord[]): string {
  const options = [...new Set(records.flatMap((record) => Object.keys(record.options)))].sort();
  const rows: Cell[][] = [[...columns, ...options.map((name) => `option.${name}`)]];
  for (const record of records) {
    const fields: Record<(typeof columns)[number], Cell> = {
      ...record,
      standardError: record.uncertainty?.standardError,
      low95: record.uncertainty?.low,
      high95: record.uncertainty?.high,
      standardDeviation: record.standardDeviation,
      warnings: record.warnings.join(' | '),
    };
    rows.push([...columns.map((column) => fields[column]), ...options.map((name) => record.options[name])]);
  }
  return toCsv(rows);
}

/** Rows of cells as CSV text. */
export function toCsv(rows: readonly (readonly Cell[])[]): string {
  return rows.map((row) => `${row.map(quote).join(',')}\r\n`).join('');
}

/** The opened run as one JSON document: the run with its files, problems and findings, its layers, records and logged scalars. */
export function runToJson(detail: RunDetail): string {
  const { run, layers, records, series } = detail;
  return `${JSON.stringify({ layerscope: 1, run, layers, records, series }, null, 2)}\n`;
}

function quote(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  const text = typeof cell === 'string' && formulaStart.test(cell) ? `'${cell}` : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
