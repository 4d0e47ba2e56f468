import type { FileProblem } from '../protocol';
import { axesOf } from './axes';
import { flatten, mostNumbers, parseObject, takeFinite } from './jsonObjects';
import { ProblemList } from './problemList';
import type { LogFormat } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

/** A row of the history is far shorter. */
const largestRow = 1024 * 1024;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const openers = new Set([0x7b, 0x5b]);
const closers = new Set([0x7d, 0x5d]);
const openBrace = 0x7b;

/**
 * `trainer_state.json` of Hugging Face's Trainer: one JSON document with every logged row in `log_history`, written anew at each checkpoint
 * (transformers/trainer_callback.py). Its rows are read as they come, so that the document is never in memory as a whole.
 */
export const trainerState: LogFormat = {
  kind: 'log',
  id: 'trainerState',
  label: 'Hugging Face trainer state',
  isWholeHistory: true,
  mayBe: (name) => name === 'trainer_state.json',
  matches: ({ head, size }) => {
    const text = Buffer.from(head).toString('utf8');
    return size === 0 || (/^\s*\{/.test(text) && /"(?:log_history|global_step|best_metric|best_global_step)"\s*:/.test(text));
  },
  createReader: (fileName) => new TrainerStateReader(fileName),
};

class TrainerStateReader implements ScalarLogReader {
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  /** The last text at the outermost level: a name when a colon follows. */
  private name: number[] = [];
  private field = '';
  /** Bytes of the row that is being read. */
  private row: Buffer[] | null = null;
  private rowLength = 0;
  private rowAt = 0;
  private position = 0;
  private isComplete = false;
  private saidTorn = false;

  private readonly problems: ProblemList;

  constructor(fileName: string) {
    this.problems = new ProblemList(fileName, 'rows');
  }

  push(bytes: Uint8Array): ScalarRow[] {
    const rows: ScalarRow[] = [];
    let rowStart = this.row === null ? -1 : 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.inString) {
        this.readInString(byte);
      } else if (byte === quote) {
        this.inString = true;
        if (this.depth === 1) this.name = [];
      } else if (byte === colon && this.depth === 1) {
        this.field = Buffer.from(this.name).toString('utf8');
      } else if (openers.has(byte)) {
        this.depth++;
        if (this.depth === 3 && byte === openBrace && this.field === 'log_history') {
          this.row = [];
          this.rowLength = 0;
          this.rowAt = this.position + i;
          rowStart = i;
        }
      } else if (closers.has(byte)) {
        this.depth--;
        if (this.depth === 2 && this.row !== null) {
          this.keep(bytes, rowStart, i + 1);
          this.finishRow(rows);
        }
        this.isComplete ||= this.depth === 0;
      }
    }
    if (this.row !== null) this.keep(bytes, rowStart, bytes.length);
    this.position += bytes.length;
    return rows;
  }

  flush(): ScalarRow[] {
    if (!this.isComplete && this.position > 0 && !this.saidTorn) {
      this.saidTorn = true;
      this.problems.add(`byte ${this.position}`, 'the document ends here without being complete', 'info');
    }
    return [];
  }

  takeProblems(): FileProblem[] {
    return this.problems.take();
  }

  private readInString(byte: number): void {
    if (this.isEscaped) {
      this.isEscaped = false;
    } else if (byte === backslash) {
      this.isEscaped = true;
      return;
    } else if (byte === quote) {
      this.inString = false;
      return;
    }
    if (this.depth === 1 && this.name.length < 64) this.name.push(byte);
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    this.rowLength += end - start;
    // What goes beyond the limit is not kept, and the row is refused when it ends.
    if (this.rowLength <= largestRow) this.row!.push(Buffer.from(bytes.subarray(start, end)));
  }

  private finishRow(rows: ScalarRow[]): void {
    const text = Buffer.concat(this.row!).toString('utf8');
    const isTooLong = this.rowLength > largestRow;
    this.row = null;
    const object = isTooLong ? null : parseObject(text);
    if (object === null) {
      this.problems.add(`byte ${this.rowAt}`, isTooLong ? `a row longer than ${largestRow / 2 ** 20} MB; it is left out` : `is not a JSON object: ${JSON.stringify(text.slice(0, 60))}`, 'warning');
      return;
    }
    const values = flatten(object);
    if (values.size > mostNumbers) {
      this.problems.add(`byte ${this.rowAt}`, `a row with more than ${mostNumbers} numbers; it is left out`, 'warning');
      return;
    }
    const { epoch, step } = axesOf(values.keys());
    const place = { epoch: takeFinite(values, epoch), step: takeFinite(values, step) };
    if (values.size > 0) rows.push({ ...place, values });
  }
}
