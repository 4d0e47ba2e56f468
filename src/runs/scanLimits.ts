import type { FileProblem } from '../protocol';

/** Runs lie a few folders below a workspace folder (project/outputs/date/time/lightning_logs/version_0/checkpoints is 7). */
export const defaultMaximumDepth = 8;
/** A run has some thousand files at most; a folder with more is a data set. */
export const mostEntriesOfAFolder = 50_000;
/** Some seconds of listing on a local disk; a workspace beyond it should be narrowed by `exclude`. */
export const mostEntries = 1_000_000;
/** A network drive that answers slowly must not keep the scan busy for ever: it is repeated anyway. */
export const longestScan = 60_000;
/** So many files of one ending in a folder that turn out to be none of ours, and the rest of them (labels, annotations) is not opened. */
export const mostFruitlessFiles = 200;

type Limit = 'depth' | 'folderEntries' | 'entries' | 'time' | 'fruitless';

const explanations: Readonly<Record<Limit, (count: number, amount: string) => string>> = {
  depth: (count, amount) => `${count} folders lie deeper than ${amount} levels below the workspace folder and were not searched (this is the first); open one of them as a workspace folder, or raise the depth`,
  folderEntries: (count, amount) => `${count} folders have more than ${amount} entries and were searched only in part (this is the first); exclude them if they hold data`,
  entries: (_, amount) => `the search for runs stopped here after ${amount} files and folders; exclude folders that hold no runs`,
  time: (_, amount) => `the search for runs stopped here after ${amount} seconds; exclude folders that hold no runs`,
  fruitless: (count, amount) => `${count} folders have more than ${amount} files that look like logs by name only; the rest of them was not opened (this is the first)`,
};

/** Counts what a scan left out, and says so once for each limit instead of once for each folder. */
export class ScanLimits {
  private readonly hits = new Map<Limit, { count: number; readonly first: string; readonly amount: number }>();
  private readonly started: number;
  private seen = 0;

  constructor(
    private readonly limits: { readonly entries: number; readonly milliseconds: number },
    private readonly now: () => number,
  ) {
    this.started = now();
  }

  get entries(): number {
    return this.seen;
  }

  /** Whether the scan came to its end; otherwise a run that was found by an earlier one may still exist. */
  get complete(): boolean {
    return !this.hits.has('entries') && !this.hits.has('time');
  }

  hit(limit: Limit, folder: string, amount: number): void {
    const before = this.hits.get(limit);
    if (before === undefined) {
      this.hits.set(limit, { count: 1, first: folder, amount });
    } else {
      before.count++;
    }
  }

  countEntry(): void {
    this.seen++;
  }

  /** Whether the scan has to end; the first folder for which it does is remembered. */
  isExhausted(folder: string): boolean {
    if (this.seen > this.limits.entries) {
      this.hit('entries', folder, this.limits.entries);
      return true;
    }
    if (this.now() - this.started > this.limits.milliseconds) {
      this.hit('time', folder, this.limits.milliseconds / 1000);
      return true;
    }
    return false;
  }

  problems(): FileProblem[] {
    return [...this.hits].map(([limit, { count, first, amount }]) => ({
      file: first,
      place: '',
      reason: explanations[limit](count, amount.toLocaleString('en')),
      severity: limit === 'entries' || limit === 'time' ? 'warning' : 'info',
    }));
  }
}
