import type { FileProblem } from '../protocol';
import { explainGitLfsPointer } from './gitLfs';
import { LineSplitter, linesOfHead, type Line, type OverlongLine } from './lines';
import { ProblemList } from './problemList';
import type { LogFormat } from './registry';
import type { ScalarLogReader, ScalarRow } from './scalarLog';

const largestLine = 64 * 1024;

/** <experiment>/<run>/metrics/..., where a run's id is a UUID without hyphens (mlflow/store/tracking/file_store.py). */
const metricsFolder = /[\\/][0-9a-f]{32}[\\/]metrics(?:[\\/]|$)/;
/** "timestamp value step"; before 2019 without step, since 2024 also with the name and digest of a data set. */
const metricLine = /^(\d+) (\S+)(?: (-?\d+)(?: \S+ \S+)?)?$/;

/** MLflow's file store: one file a metric, one line a value; the metric's name is the path below `metrics`. */
export const mlflow: LogFormat = {
  kind: 'log',
  id: 'mlflow',
  label: 'MLflow',
  mayBe: (_, folder) => folder !== undefined && metricsFolder.test(folder),
  matches: ({ head, size }) => {
    const { complete, rest } = linesOfHead(head);
    const first = complete[0] ?? rest;
    return size === 0 || (explainGitLfsPointer(head) === null && metricLine.test(first));
  },
  createReader: (fileName) => new MlflowReader(fileName),
};

class MlflowReader implements ScalarLogReader {
  private readonly lines = new LineSplitter(largestLine);
  private readonly tag: string;
  private reportedTail = 0;

  private readonly problems: ProblemList;

  constructor(fileName: string) {
    this.problems = new ProblemList(fileName, 'lines');
    this.tag = /(?:^|\/)metrics\/(.+)$/.exec(fileName)?.[1] ?? fileName;
  }

  push(bytes: Uint8Array): ScalarRow[] {
    return this.lines.push(bytes).flatMap((line) => this.readLine(line));
  }

  flush(): ScalarRow[] {
    const tail = this.lines.peek();
    if (tail === null || tail.text === '') {
      return [];
    }
    const row = this.rowOf(tail.text);
    if (row !== null) {
      this.lines.drop();
      return [row];
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
    if (text?.trim() === '') {
      return [];
    }
    const row = text === null ? null : this.rowOf(text);
    if (row === null) {
      this.problems.add(`line ${number}`, text === null ? 'is far too long; it is left out' : `is not "timestamp value step": ${JSON.stringify(text.slice(0, 60))}`, 'warning');
      return [];
    }
    return [row];
  }

  private rowOf(line: string): ScalarRow | null {
    const [, , text = '', step] = metricLine.exec(line.trim()) ?? [];
    const value = numberOf(text);
    return value === null ? null : { epoch: null, step: step === undefined ? null : Number(step), values: new Map([[this.tag, value]]) };
  }
}

/** As Python prints floats. */
function numberOf(text: string): number | null {
  switch (text) {
    case 'nan':
      return NaN;
    case 'inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    default:
      return /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text) ? Number(text) : null;
  }
}
