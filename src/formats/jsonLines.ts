import type { FileProblem } from '../protocol';
import { axesOf, isLogName, isQuantity, type Axes } from './axes';
import { explainGitLfsPointer } from './gitLfs';
import { flatten, mostNumbers, parseObject, takeFinite } from './jsonObjects';
import { LineSplitter, linesOfHead, type Line, type OverlongLine } from './lines';
import { ProblemList } from './problemList';
import { isMeasurement } from './measurements';
import type { LogFormat, Sniff } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

/** A line of numbers is far shorter; a longer one is data, and parsing it would stop everything else. */
const largestLine = 16 * 1024 * 1024;

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
  private reportedTail = 0;
  private axes = new Map<string, Axes>();

  private readonly problems: ProblemList;

  constructor(fileName: string) {
    this.problems = new ProblemList(fileName, 'lines');
  }

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
      this.problems.add(`line ${tail.number}`, 'the last line is not complete', 'info');
    }
    return [];
  }

  takeProblems(): FileProblem[] {
    return this.problems.take();
  }

  private readLine({ number, text }: Line | OverlongLine): ScalarRow[] {
    if (text === null) {
      this.problems.add(`line ${number}`, `is longer than ${largestLine / 2 ** 20} MB; it is left out`);
      return [];
    }
    if (text.trim() === '') {
      return [];
    }
    const object = parseObject(text);
    if (object === null) {
      this.problems.add(`line ${number}`, `is not a JSON object: ${excerpt(text)}`);
      return [];
    }
    return this.rowOf(object, number);
  }

  private rowOf(object: object, line: number): ScalarRow[] {
    const values = flatten(object);
    if (values.size > mostNumbers) {
      this.problems.add(`line ${line}`, `holds more than ${mostNumbers} numbers; it is left out`);
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
}

function excerpt(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short);
}
