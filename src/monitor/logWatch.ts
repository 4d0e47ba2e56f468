import { setImmediate as nextTurn } from 'node:timers/promises';
import type { LogFormat } from '../formats';
import type { FileProblem } from '../protocol';
import { FollowedLog, ScalarCollector } from '../runs';
import type { FileOnDisk } from '../runs';
import type { RunState } from './runState';

/** Bytes parsed between two turns of the event loop: some milliseconds. */
const sliceBytes = 256 * 1024;
/** Problems shown of one log; a file of another kind would otherwise bring one a line. */
const maximumProblems = 50;

/** One log of a run: brings what was appended into the run's state. */
export class LogWatch {
  private readonly followed: FollowedLog;
  private readonly collector: ScalarCollector;
  /** Missing or empty: ends with the first bytes. */
  private condition: FileProblem | null = null;
  private problems: FileProblem[] = [];
  private left = 0;
  private stopped = false;

  constructor(
    private readonly run: RunState,
    private disk: FileOnDisk,
    format: LogFormat,
    /** Called when the file has gone. */
    private readonly onMissing: () => void,
  ) {
    this.followed = new FollowedLog(disk.absolutePath, disk.path, format, { sliceBytes });
    this.collector = new ScalarCollector(disk.path);
    run.setLog(disk.path, this.collector);
  }

  /** Reads on to the end. @returns whether the file changed since the last look. */
  async look(): Promise<boolean> {
    let changedAtAll = false;
    for (;;) {
      const { restarted, rows, problems, more, present, changed, bytes, modified } = await this.followed.poll();
      if (this.stopped) return false;
      changedAtAll ||= changed;
      if (restarted) this.restart();
      if (!present && changed) this.onMissing();
      if (present && (bytes !== this.disk.bytes || modified !== this.disk.modified)) {
        this.disk = { ...this.disk, bytes, modified };
        this.run.setFile(this.disk);
      }
      this.run.appendSeries(this.collector.append(rows));
      this.tell(problems, present && bytes > 0);
      if (!more) return changedAtAll;
      await nextTurn();
    }
  }

  stop(): void {
    this.stopped = true;
    this.run.removeLog(this.disk.path);
  }

  private restart(): void {
    this.collector.clear();
    this.problems = [];
    this.left = 0;
    this.run.voidLog(this.disk.path);
  }

  private tell(problems: readonly FileProblem[], readable: boolean): void {
    if (readable) {
      this.condition = null;
      const room = Math.max(0, maximumProblems - this.problems.length);
      this.problems.push(...problems.slice(0, room));
      this.left += Math.max(0, problems.length - room);
    } else {
      this.condition = problems[0] ?? this.condition;
    }
    const all = [...(this.condition === null ? [] : [this.condition]), ...this.problems];
    if (this.left > 0) all.push({ file: this.disk.path, place: '', reason: `${this.left} more problems are not shown`, severity: 'warning' });
    this.run.updateFile(this.disk.path, {
      state: all.some(({ severity }) => severity === 'error') ? 'problem' : 'found',
      epoch: this.collector.epoch ?? this.disk.epoch,
      step: this.collector.step ?? this.disk.step,
      problems: all,
    });
  }
}
