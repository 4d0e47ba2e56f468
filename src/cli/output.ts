import type { FileProblem } from '../protocol';
import type { Terminal } from './command';

/** The one JSON document of a command. NaN and infinities become null, as JSON has none. */
export function printJson(terminal: Terminal, document: object): void {
  terminal.write(`${JSON.stringify(document, null, 2)}\n`);
}

/** Columns of equal width, two blanks apart; numbers to the right. Text from files is kept on its line. */
export function formatTable(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => (cell === null ? '' : onOneLine(String(cell)))));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumeric = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof (row[column] ?? 0) === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (isNumeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A number for reading: four significant digits. */
export function round(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(4));
}

/** Bytes for people, with decimal prefixes: 980 B, 312 kB, 4.1 MB. */
export function formatBytes(bytes: number): string {
  const unit = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  return `${String(Number((bytes / 1000 ** unit).toPrecision(3)))} ${['B', 'kB', 'MB', 'GB', 'TB'][unit] ?? ''}`;
}

/** Problems that did not stop the command, on standard error. */
export function sayProblems(terminal: Terminal, problems: readonly FileProblem[]): void {
  for (const { file, place, reason, severity } of problems) {
    terminal.say(`${severity}: ${onOneLine(file)}${place === '' ? '' : `, ${onOneLine(place)}`}: ${onOneLine(reason)}`);
  }
}

/** "1 run", "2 runs". */
export function count(number: number, singular: string, plural = `${singular}s`): string {
  return `${String(number)} ${number === 1 ? singular : plural}`;
}

/** Control characters could move the cursor or recolour the terminal (a layer's name comes from a file). */
export function onOneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}
