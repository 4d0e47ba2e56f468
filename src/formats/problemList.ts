import type { FileProblem, Severity } from '../protocol';

/** What a file shows of its problems is bounded; the rest is counted. */
const mostProblems = 100;

/** The problems of one log since they were last asked for. */
export class ProblemList {
  private problems: FileProblem[] = [];
  private suppressed = 0;

  /** @param unit what the problems are about, for the count of those left out: "lines", "records" */
  constructor(
    private readonly fileName: string,
    private readonly unit: string,
  ) {}

  add(place: string, reason: string, severity: Severity = 'warning'): void {
    if (this.problems.length >= mostProblems) {
      this.suppressed++;
    } else {
      this.problems.push({ file: this.fileName, place, reason, severity });
    }
  }

  take(): FileProblem[] {
    const problems = this.problems;
    if (this.suppressed > 0) {
      problems.push({ file: this.fileName, place: '', reason: `${this.suppressed} more ${this.unit} have problems`, severity: 'warning' });
    }
    this.problems = [];
    this.suppressed = 0;
    return problems;
  }
}
