import { parse } from 'csv-parse/sync';
import type { FileProblem } from '../protocol';
import { axesOf, isLogName, isQuantity, type Axes } from './axes';
import { explainGitLfsPointer } from './gitLfs';
import { LineSplitter, linesOfHead, type Line, type OverlongLine } from './lines';
import { ProblemList } from './problemList';
import { isMeasurement } from './measurements';
import type { LogFormat, Sniff } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

/** A row of numbers is far shorter; a longer one is data, and its cells would fill memory. */
const largestLine = 1024 * 1024;
/** A quoted cell may contain line ends; one that runs on for longer is a stray quote. */
const mostLinesOfARecord = 50;
/** How loggers write "no value": Lightning leaves the cell empty, Keras writes NA. */
const missing = /^\s*(?:|na|n\/a|none|null|-)\s*$/i;

/** CSV with a header: Lightning `metrics.csv`, Keras CSVLogger (often `training.log`), and any table with an epoch or step column. Comma, semicolon or tab. */
export const csvLog: LogFormat = {
  kind: 'log',
  id: 'csv',
  label: 'CSV',
  mayBe: (name) => /\.(?:csv|tsv|log)$/i.test(name),
  matches: looksLikeLog,
  createReader: (fileName) => new CsvReader(fileName),
};

function looksLikeLog({ name, head, size }: Sniff): boolean {
  if (size === 0) {
    return isLogName(name) && /\.[ct]sv$/i.test(name);
  }
  if (explainGitLfsPointer(head) !== null) {
    return false;
  }
  const { complete, rest } = linesOfHead(head);
  const lines = [...complete, ...(head.length === size ? [rest] : [])].filter((line) => line.trim() !== '');
  if (lines.length === 0) {
    return false;
  }
  const delimiter = delimiterOf(lines[0]!);
  const header = cellsOf(lines[0]!, delimiter) ?? [];
  const { epoch, step } = axesOf(header);
  if (header.length < 2 || (epoch === null && step === null) || isMeasurement(header)) {
    return false;
  }
  const quantities = header.map((column, i) => ({ column, i })).filter(({ column }) => column !== epoch && column !== step);
  const rows = lines.slice(1).map((line) => cellsOf(line, delimiter) ?? []);
  return rows.length === 0
    ? isLogName(name) || quantities.some(({ column }) => isQuantity(column))
    : quantities.some(({ i }) => rows.some((row) => numberOf(row[i] ?? '') !== null));
}

interface Header {
  readonly line: number;
  readonly columns: readonly string[];
  readonly axes: Axes;
}

class CsvReader implements ScalarLogReader {
  private readonly lines = new LineSplitter(largestLine);
  /** Lines of a record whose quotes are still open. */
  private open: Line[] = [];
  private openLength = 0;
  private delimiter = ',';
  private header: Header | null = null;
  /** Columns that held a number before: a text there is a mistake, elsewhere it is a text column. */
  private numeric = new Set<string>();
  private reportedTail = 0;

  private readonly problems: ProblemList;

  constructor(fileName: string) {
    this.problems = new ProblemList(fileName, 'lines');
  }

  push(bytes: Uint8Array): ScalarRow[] {
    return this.read(this.lines.push(bytes));
  }

  flush(): ScalarRow[] {
    const tail = this.lines.peek();
    if (tail === null || tail.text.trim() === '') {
      return [];
    }
    const text = [...this.open, tail].map((line) => line.text).join('\n');
    const line = (this.open[0] ?? tail).number;
    const cells = evenQuotes(text) ? cellsOf(text, this.delimiter) : null;
    if (cells !== null && cells.length === this.header?.columns.length) {
      this.lines.drop();
      this.open = [];
      this.openLength = 0;
      return this.isHeader(cells) ? [] : this.rowOf(cells, line);
    }
    if (this.reportedTail !== tail.number) {
      this.reportedTail = tail.number;
      this.problems.add(`line ${tail.number}`, 'the last line is not complete', 'info');
    }
    return [];
  }

  takeProblems(): FileProblem[] {
    return this.problems.take();
  }

  private read(lines: readonly (Line | OverlongLine)[]): ScalarRow[] {
    const rows: ScalarRow[] = [];
    const queue = [...lines];
    for (let next = 0; next < queue.length; next++) {
      const line = queue[next]!;
      if (line.text === null) {
        this.problems.add(`line ${line.number}`, `is longer than ${largestLine / 2 ** 20} MB; it is left out`);
        continue;
      }
      if (this.open.length === 0 && line.text.trim() === '') {
        continue;
      }
      const closes = evenQuotes(line.text) === (this.open.length === 0);
      this.open.push(line);
      this.openLength += line.text.length;
      if (closes) {
        rows.push(...this.readRecord(...this.takeOpen()));
      } else if (this.open.length >= mostLinesOfARecord || this.openLength > largestLine) {
        const [first, ...rest] = this.open;
        this.problems.add(`line ${first!.number}`, 'a quote is opened and never closed; the line is left out');
        this.takeOpen();
        queue.splice(next + 1, 0, ...rest);
      }
    }
    return rows;
  }

  private takeOpen(): [text: string, line: number] {
    const text = this.open.map((line) => line.text).join('\n');
    const number = this.open[0]!.number;
    this.open = [];
    this.openLength = 0;
    return [text, number];
  }

  private readRecord(text: string, line: number): ScalarRow[] {
    if (this.header === null) {
      this.delimiter = delimiterOf(text);
    }
    const cells = cellsOf(text, this.delimiter);
    if (cells === null) {
      this.problems.add(`line ${line}`, 'its quotes do not fit together; the line is left out');
      return [];
    }
    if (this.header === null) {
      this.setHeader(cells, line);
      return [];
    }
    if (this.isHeader(cells)) {
      this.changeHeader(cells, line);
      return [];
    }
    return this.rowOf(cells, line);
  }

  private rowOf(cells: readonly string[], line: number): ScalarRow[] {
    const { columns, axes, line: headerLine } = this.header!;
    if (cells.length !== columns.length) {
      this.problems.add(`line ${line}`, `${cells.length} cells where the header on line ${headerLine} has ${columns.length}; the row is left out`);
      return [];
    }
    let epoch: number | null = null;
    let step: number | null = null;
    const values = new Map<string, number>();
    for (let i = 0; i < columns.length; i++) {
      const cell = cells[i]!;
      const column = columns[i]!;
      const value = numberOf(cell);
      if (value === null) {
        if (!missing.test(cell) && this.numeric.has(column)) {
          this.problems.add(`line ${line}`, `${JSON.stringify(cell.slice(0, 60))} in column ${column} is not a number`);
        }
        continue;
      }
      this.numeric.add(column);
      if (column === axes.epoch && Number.isFinite(value)) epoch = value;
      else if (column === axes.step && Number.isFinite(value)) step = value;
      else if (column !== '') values.set(column, value);
    }
    return values.size === 0 ? [] : [{ epoch, step, values }];
  }

  /** A header again, as a resumed training appends it: no number in it, and an axis or most of the known columns. */
  private isHeader(cells: readonly string[]): boolean {
    if (cells.length < 2 || cells.some((cell) => numberOf(cell) !== null)) {
      return false;
    }
    const { epoch, step } = axesOf(cells);
    const known = cells.filter((cell) => cell !== '' && this.header!.columns.includes(cell)).length;
    return epoch !== null || step !== null || 2 * known > cells.length;
  }

  private changeHeader(columns: readonly string[], line: number): void {
    const before = this.header!;
    this.setHeader(columns, line);
    const added = columns.filter((column) => !before.columns.includes(column));
    const removed = before.columns.filter((column) => !columns.includes(column));
    if (added.length + removed.length > 0) {
      const changes = [...added.map((column) => `+${column}`), ...removed.map((column) => `-${column}`)].join(', ');
      this.problems.add(`line ${line}`, `the columns change here: ${changes}`, 'info');
    }
  }

  private setHeader(columns: readonly string[], line: number): void {
    this.header = { line, columns: columns.map((column) => column.trim()), axes: axesOf(columns.map((column) => column.trim())) };
  }
}

/** The most frequent of comma, semicolon and tab outside quotes. */
function delimiterOf(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const count = (delimiter: string) => bare.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, delimiter) => (count(delimiter) > count(best) ? delimiter : best));
}

/** Null when the quotes of the record do not fit together. */
function cellsOf(record: string, delimiter: string): string[] | null {
  if (!record.includes('"')) {
    return record.split(delimiter);
  }
  try {
    const options = { delimiter, relax_quotes: true, relax_column_count: true, record_delimiter: '\u0000' };
    return (parse(record, options) as string[][])[0] ?? null;
  } catch {
    return null;
  }
}

function evenQuotes(text: string): boolean {
  let even = true;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) {
    even = !even;
  }
  return even;
}

/** Python's and JavaScript's spellings; an empty cell is no number. */
function numberOf(cell: string): number | null {
  const text = cell.trim();
  if (text === '') {
    return null;
  }
  const special = /^([-+]?)(nan|inf|infinity)$/i.exec(text);
  if (special !== null) {
    return special[2]!.toLowerCase() === 'nan' ? NaN : special[1] === '-' ? -Infinity : Infinity;
  }
  return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : null;
}
