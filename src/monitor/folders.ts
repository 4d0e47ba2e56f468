import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FormatRegistry } from '../formats';
import type { FileProblem, FolderProblem, WatchedFolder } from '../protocol';
import { DiscoveryCache, discoverRuns } from '../runs';
import type { RunOnDisk } from '../runs';
import type { Clock } from './clock';
import type { Poller } from './poller';

/** Time between two looks at all folders when nothing hints at a change; longer where a look takes more than a hundredth of it. */
const periodMilliseconds = 30_000;
const periodFactor = 100;
const unattendedFactor = 5;
/** Looks that were hinted at are not closer than this, nor take more than a twentieth of the time. */
const shortestPause = 1_000;
const pauseFactor = 20;
/** Clocks of network drives differ from ours. */
const clockSkew = 2_000;

/** What one look at all folders found. */
export interface Scan {
  readonly runs: readonly RunOnDisk[];
  /** In the folders, outside of every run. */
  readonly problems: readonly FileProblem[];
  /** Of the folders themselves. */
  readonly folderProblems: readonly FolderProblem[];
  /** Absolute paths of those that were searched in part or not at all, though they may exist: a run in them that was not found may still exist, too. */
  readonly incomplete: readonly string[];
}

export interface FoldersOptions {
  readonly folders: readonly WatchedFolder[];
  readonly exclude: readonly string[];
  readonly include: readonly string[];
  readonly maximumDepth: number;
}

/** Looks for runs in the watched folders: when asked, when a folder of a run changes, and every now and then. */
export class Folders {
  private options: FoldersOptions = { folders: [], exclude: [], include: [], maximumDepth: 8 };
  private readonly cache = new DiscoveryCache();
  private readonly times = new Map<string, number>();
  private scanning: Promise<void> | null = null;
  private wanted = false;
  private nextAllowed = 0;
  private timer: { cancel(): void } | null = null;
  private timerDue = Infinity;
  private attended = true;
  private stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly poller: Poller,
    private readonly registry: FormatRegistry,
    /** Called after every look. */
    private readonly onScan: (scan: Scan) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  setOptions(options: FoldersOptions): void {
    this.options = options;
  }

  setAttention(attended: boolean): void {
    this.attended = attended;
    if (this.timer !== null && attended) this.plan(periodMilliseconds);
  }

  /** Looks now; when a look is under way already, once more after it. */
  async scan(): Promise<void> {
    if (this.scanning !== null) {
      this.wanted = true;
      await this.scanning;
      if (!this.wanted) {
        // Another caller who waited has begun it.
        await this.scanning;
        return;
      }
    }
    this.scanning ??= this.scanNow().finally(() => (this.scanning = null));
    await this.scanning;
  }

  /** Looks soon: many hints make one look. */
  soon(): void {
    this.plan(Math.max(0, this.nextAllowed - this.clock.now()));
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private async scanNow(): Promise<void> {
    this.wanted = false;
    this.timer?.cancel();
    this.timer = null;
    this.timerDue = Infinity;
    const started = this.clock.now();
    const runs = new Map<string, RunOnDisk>();
    const problems: FileProblem[] = [];
    const folderProblems: FolderProblem[] = [];
    const incomplete: string[] = [];
    try {
      for (const folder of this.options.folders) {
        const root = path.resolve(folder.path);
        const { exclude, include, maximumDepth } = this.options;
        try {
          for await (const found of discoverRuns(folder, { exclude, include, maximumDepth, cache: this.cache, registry: this.registry })) {
            if (this.stopped) return;
            if (found.kind === 'run' && !runs.has(found.run.id)) runs.set(found.run.id, found.run);
            else if (found.kind === 'problem' && isOfFolder(found.problem, root)) folderProblems.push({ folder: folder.path, reason: found.problem.reason });
            else if (found.kind === 'problem') problems.push(found.problem);
            else if (found.kind === 'end' && !found.complete && !(await isGone(root))) incomplete.push(root);
          }
        } catch (error) {
          // Not foreseen: the other folders are searched all the same.
          this.onError(error);
          folderProblems.push({ folder: folder.path, reason: error instanceof Error ? error.message : String(error) });
          incomplete.push(root);
        }
      }
      this.onScan({ runs: [...runs.values()], problems, folderProblems, incomplete });
      await this.watchFolders([...runs.values()], started);
    } catch (error) {
      this.onError(error);
    }
    const now = this.clock.now();
    this.nextAllowed = now + Math.max(shortestPause, (now - started) * pauseFactor);
    this.plan(Math.max(periodMilliseconds, (now - started) * periodFactor));
  }

  private plan(wait: number): void {
    if (this.stopped) return;
    const delay = this.attended || wait < periodMilliseconds ? wait : wait * unattendedFactor;
    const due = this.clock.now() + delay;
    if (this.timer !== null && this.timerDue <= due) return;
    this.timer?.cancel();
    this.timerDue = due;
    this.timer = this.clock.after(delay, () => {
      this.timer = null;
      this.timerDue = Infinity;
      void this.scan();
    });
  }

  /** A folder's time changes when a file in it comes, goes or is renamed into place: cheaper to look at than all of its files. */
  private async watchFolders(runs: readonly RunOnDisk[], scanStarted: number): Promise<void> {
    const wanted = new Set(this.options.folders.map((folder) => path.resolve(folder.path)));
    for (const run of runs) {
      wanted.add(run.folder);
      wanted.add(path.dirname(run.folder));
      for (const { absolutePath } of run.files) wanted.add(path.dirname(absolutePath));
    }
    for (const folder of [...this.times.keys()]) {
      if (wanted.has(folder)) continue;
      this.times.delete(folder);
      this.poller.remove(folder);
    }
    for (const folder of wanted) {
      if (this.times.has(folder)) continue;
      const time = await timeOf(folder);
      if (this.stopped) return;
      this.times.set(folder, time);
      // It changed while it was looked at: what changed may have been missed.
      if (time > scanStarted - clockSkew && time <= this.clock.now()) this.soon();
      this.poller.add(folder, time, () => this.lookAt(folder));
    }
  }

  private async lookAt(folder: string): Promise<boolean> {
    const time = await timeOf(folder);
    if (time === this.times.get(folder)) return false;
    this.times.set(folder, time);
    this.soon();
    return true;
  }
}

/** A folder with too many entries is searched all the same, but for the rest of them. */
function isOfFolder({ file, severity }: FileProblem, root: string): boolean {
  return file === root && severity !== 'info';
}

/** Whether it certainly does not exist: a drive that does not answer may still hold it. */
async function isGone(folder: string): Promise<boolean> {
  return stat(folder).then(() => false, (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT');
}

/** Milliseconds since 1970; 0 when there is no such folder. */
async function timeOf(folder: string): Promise<number> {
  const found = await stat(folder).catch(() => null);
  return found?.mtimeMs ?? 0;
}
