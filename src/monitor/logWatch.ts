import type { FileProblem } from '../protocol';
import { describeOthers, FollowedLogFiles, ScalarCollector } from '../runs';
import type { FileOnDisk, LogFiles } from '../runs';
import type { RunState } from './runState';

/** Bytes parsed between two turns of the event loop: some milliseconds. */
const sliceBytes = 256 * 1024;
/** Problems shown of one log; a file of another kind would otherwise bring one a line. */
const maximumProblems = 50;

/** What is known of one file of a log. */
interface LogFile {
  disk: FileOnDisk;
  /** Missing or empty: ends with the first bytes. */
  condition: FileProblem | null;
  problems: FileProblem[];
  left: number;
}

/** One log of a run, in one file or several: brings what was appended into the run's state. */
export class LogWatch {
  private readonly followed: FollowedLogFiles;
  private readonly collector: ScalarCollector;
  private readonly files = new Map<string, LogFile>();
  private looking: Promise<unknown> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly run: RunState,
    log: LogFiles,
    /** Called when a file has gone. */
    private readonly onMissing: () => void,
    /** Waited for before some of the log is parsed. */
    turn: () => Promise<void>,
  ) {
    this.followed = new FollowedLogFiles(log, log.format, { sliceBytes, turn });
    this.collector = new ScalarCollector(log.source);
    for (const file of log.files) this.files.set(file.path, newFile(file));
    run.setLog(log.source, this.collector);
  }

  /** Takes over files that continue the log. @returns false when that is not what they do: the log has to be watched anew. */
  continueWith(log: LogFiles): boolean {
    if (log.source !== this.collector.source || !this.followed.continueWith(log.files)) return false;
    for (const file of log.files) if (!this.files.has(file.path)) this.files.set(file.path, newFile(file));
    return true;
  }

  /** Reads on to the end of all files, or of one; after a look that is under way. @returns whether something changed since the last look. */
  look(only?: string): Promise<boolean> {
    const look = this.looking.then(() => this.readOn(only));
    this.looking = look.catch(() => undefined);
    return look;
  }

  stop(): void {
    this.stopped = true;
    this.run.removeLog(this.collector.source);
  }

  private async readOn(only: string | undefined): Promise<boolean> {
    let changedAtAll = false;
    for await (const { file: { path }, change } of this.followed.changes(only)) {
      if (this.stopped) return false;
      const { restarted, rows, columns, problems, present, changed, bytes, modified } = change;
      const file = this.files.get(path)!;
      changedAtAll ||= changed;
      if (restarted) this.restart();
      if (!present && changed) this.onMissing();
      if (present && (bytes !== file.disk.bytes || modified !== file.disk.modified)) {
        file.disk = { ...file.disk, bytes, modified };
        this.run.setFile(file.disk);
      }
      this.run.appendSeries(this.collector.append(rows));
      if (columns !== null) {
        const { rewritten, series } = this.collector.appendColumns(columns);
        if (rewritten) this.run.voidLog(this.collector.source);
        this.run.appendSeries(series);
      }
      this.tell(file, problems, present && bytes > 0);
    }
    return changedAtAll;
  }

  private restart(): void {
    this.collector.clear();
    for (const file of this.files.values()) {
      file.problems = [];
      file.left = 0;
    }
    this.run.voidLog(this.collector.source);
  }

  private tell(file: LogFile, problems: readonly FileProblem[], readable: boolean): void {
    if (readable) {
      file.condition = null;
      const room = Math.max(0, maximumProblems - file.problems.length);
      file.problems.push(...problems.slice(0, room));
      file.left += Math.max(0, problems.length - room);
    } else {
      file.condition = problems[0] ?? file.condition;
    }
    const { path } = file.disk;
    const all = [...(file.condition === null ? [] : [file.condition]), ...file.problems];
    if (file.left > 0) all.push({ file: path, place: '', reason: `${file.left} more problems are not shown`, severity: 'warning' });
    const others = path === this.collector.source ? describeOthers(this.followed.otherTags()) : null;
    if (others !== null) all.push({ file: path, place: '', reason: others, severity: 'info' });
    this.run.updateFile(path, {
      state: all.some(({ severity }) => severity === 'error') ? 'problem' : 'found',
      epoch: this.collector.epoch ?? file.disk.epoch,
      step: this.collector.step ?? file.disk.step,
      problems: all,
    });
  }
}

function newFile(disk: FileOnDisk): LogFile {
  return { disk, condition: null, problems: [], left: 0 };
}
