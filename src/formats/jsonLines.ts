import json5 from 'json5';
import type { FileProblem } from '../protocol';
import { axesOf, isLogName, isQuantity, type Axes } from './axes';
import { explainGitLfsPointer } from './gitLfs';
import { LineSplitter, linesOfHead, type Line, type OverlongLine } from './lines';
import { isMeasurement } from './measurements';
import type { LogFormat, Sniff } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

/** A line of numbers is far shorter; a longer one is data, and parsing it would stop everything else. */
const largestLine = 16 * 1024 * 1024;
/** json5 is a hundred times slower than JSON.parse; lines with NaN in them are still short. */
const largestJson5Line = 1024 * 1024;
/** A log line names tens of quantities; one with more is data. */
const mostNumbers = 10_000;
/** Loggers nest one or two levels ("train" / "loss"). */
const deepestNesting = 8;
/** What a file shows of its problems is bounded; the rest is counted. */
const mostProblems = 100;

/** Other `.txt` and `.json` files are not even opened. */
const nameOfLog = /log|metric|progress|hist|stat|scalar/i;

/** One JSON object a line: MAE, MoCo v3, DINO `log.txt`, `*.jsonl`, mmcv `*.log.json`, detectron2 `metrics.json`. NaN and Infinity as Python writes them. */
export const jsonLines: LogFormat = {
  kind: 'log',
  id: 'jsonLines',
  label: 'JSON lines',
  mayBe: (name) => /\.(?:jsonl|ndjson|log)$/i.test(name) || (/\.(?:txt|json)$/i.test(name) && (nameOfLog.test(name) || /train/i.test(name))),
  matches: looksLikeLog,
  createReader: (fileName) => new JsonLinesReader(fileName),
};

function looksLikeLog({ name, head, size }: Sniff): boolean {
  if (size === 0) {
    return isLogName(name) && !/\.[ct]sv$/i.test(name);
  }
  if (explainGitLfsPointer(head) !== null) {
    return false;
  }
  const { complete, rest } = linesOfHead(head);
  const isWhole = head.length === size;
  const lines = (isWhole ? [...complete, rest] : complete).filter((line) => line.trim() !== '');
  if (lines.length === 0) {
    // The first line is longer than what may be looked at.
    return /^\s*\{\s*"/.test(rest) && /"(?:epoch|step|global_step|iter|iteration)"\s*:/.test(rest);
  }
  return lines.some((line) => isLogLine(line, name));
}

/** A row with an axis and a quantity. Without an axis the file name must speak for it as well: data sets are JSON lines, too. */
function isLogLine(line: string, name: string): boolean {
  const object = parseObject(line);
  if (object === null || isMeasurement(Object.keys(object))) {
    return false;
  }
  const numbers = [...flatten(object).keys()];
  const axes = axesOf(numbers);
  const quantities = numbers.filter((name) => name !== axes.epoch && name !== axes.step);
  return quantities.length > 0 && (axes.epoch !== null || axes.step !== null || (nameOfLog.test(name) && quantities.some(isQuantity)));
}

class JsonLinesReader implements ScalarLogReader {
  private readonly lines = new LineSplitter(largestLine);
  private problems: FileProblem[] = [];
  private suppressed = 0;
  private reportedTail = 0;
  private axes = new Map<string, Axes>();

  constructor(private readonly fileName: string) {}

  push(bytes: Uint8Array): ScalarRow[] {
    return this.lines.push(bytes).flatMap((line) => this.readLine(line));
  }

  flush(): ScalarRow[] {
    const tail = this.lines.peek();
    if (tail === null || tail.text.trim() === '') {
      return [];
    }
    const object = parseObject(tail.text);
    if (object !== null) {
      this.lines.drop();
      return this.rowOf(object, tail.number);
    }
    if (this.reportedTail !== tail.number) {
      this.reportedTail = tail.number;
      this.report(tail.number, 'the last line is not complete', 'info');
    }
    return [];
  }

  takeProblems(): FileProblem[] {
    const problems = this.problems;
    if (this.suppressed > 0) {
      problems.push({ file: this.fileName, place: '', reason: `${this.suppressed} more lines have problems`, severity: 'warning' });
    }
    this.problems = [];
    this.suppressed = 0;
    return problems;
  }

  private readLine({ number, text }: Line | OverlongLine): ScalarRow[] {
    if (text === null) {
      this.report(number, `is longer than ${largestLine / 2 ** 20} MB; it is left out`);
      return [];
    }
    if (text.trim() === '') {
      return [];
    }
    const object = parseObject(text);
    if (object === null) {
      this.report(number, `is not a JSON object: ${excerpt(text)}`);
      return [];
    }
    return this.rowOf(object, number);
  }

  private rowOf(object: object, line: number): ScalarRow[] {
    const values = flatten(object);
    if (values.size > mostNumbers) {
      this.report(line, `holds more than ${mostNumbers} numbers; it is left out`);
      return [];
    }
    const { epoch, step } = this.axesOf(values);
    const row = { epoch: takeFinite(values, epoch), step: takeFinite(values, step), values };
    return values.size === 0 ? [] : [row];
  }

  /** Lines of one log have few different sets of keys. */
  private axesOf(values: ReadonlyMap<string, number>): Axes {
    const key = [...values.keys()].join('\n');
    let axes = this.axes.get(key);
    if (axes === undefined) {
      axes = axesOf(values.keys());
      if (this.axes.size < 100) {
        this.axes.set(key, axes);
      }
    }
    return axes;
  }

  private report(line: number, reason: string, severity: FileProblem['severity'] = 'warning'): void {
    if (this.problems.length >= mostProblems) {
      this.suppressed++;
    } else {
      this.problems.push({ file: this.fileName, place: `line ${line}`, reason, severity });
    }
  }
}

function takeFinite(values: Map<string, number>, name: string | null): number | null {
  const value = name === null ? undefined : values.get(name);
  if (name === null || value === undefined || !Number.isFinite(value)) {
    return null;
  }
  values.delete(name);
  return value;
}

function parseObject(line: string): object | null {
  const value = parseJson(line);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Python's json writes NaN, Infinity and -Infinity, which are JSON5 but not JSON.
    if (line.length > largestJson5Line || !/NaN|Infinity/.test(line)) {
      return undefined;
    }
  }
  try {
    return json5.parse(line);
  } catch {
    return undefined;
  }
}

/** The numbers of an object, nested names joined by "/"; texts, truth values and lists are no scalars. */
function flatten(object: object): Map<string, number> {
  const numbers = new Map<string, number>();
  const visit = (part: object, prefix: string, depth: number) => {
    for (const [key, value] of Object.entries(part) as [string, unknown][]) {
      if (numbers.size > mostNumbers) {
        return;
      }
      if (typeof value === 'number') {
        numbers.set(prefix + key, value);
      } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < deepestNesting) {
        visit(value, `${prefix}${key}/`, depth + 1);
      }
    }
  };
  visit(object, '', 1);
  return numbers;
}

function excerpt(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
