import { open, type FileHandle } from 'node:fs/promises';
import { constants, type BigIntStats } from 'node:fs';
import { explainSystemError, type LogFormat, type ScalarColumns, type ScalarLogReader, type ScalarRow } from '../formats';
import type { FileProblem } from '../protocol';

export interface FollowLogOptions {
  /** Bytes read by one `poll`. Default 1 MiB: some 40 ms of parsing, so that the other files are not held up. */
  readonly sliceBytes?: number;
  /** Milliseconds without a change after which a last line without line end counts as complete. Default 5000. */
  readonly settleAfter?: number;
  /** Milliseconds since 1970. Default Date.now. */
  readonly now?: () => number;
  /** Waited for before a slice is parsed, so that many logs are not parsed in one go. Default: no waiting. */
  readonly turn?: () => Promise<void>;
}

/** What one look at a log brought. */
export interface LogChange {
  /** The log was truncated, replaced or rewritten: everything before this change is void, `rows` begin anew. */
  readonly restarted: boolean;
  readonly rows: readonly ScalarRow[];
  /** The points of a log that hands them over in columns; `rows` is empty then. */
  readonly columns: ScalarColumns | null;
  readonly problems: readonly FileProblem[];
  /** There is more to read at once. */
  readonly more: boolean;
  /** The file is there and can be read. */
  readonly present: boolean;
  /** Whether size or time differ from the last look. */
  readonly changed: boolean;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** A pipe in place of the log must not block until somebody writes to it. Windows has neither. */
const readWithoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** So many slices are read from the disk at once and handed out one by one: opening a file takes as long as parsing half a slice. */
const slicesAhead = 8;

/** So many bytes from the start and before the read position are remembered, to notice that a file was rewritten in place. */
const rememberedBytes = 256;

const nothing: ReadonlyMap<string, string> = new Map();
const noBytes: Buffer = Buffer.alloc(0);

interface Snapshot {
  readonly size: bigint;
  readonly mtime: bigint;
  readonly inode: bigint;
}

/**
 * Follows one growing log by polling: every `poll` reads what was appended since the last. The file is open only during a poll.
 * Problems name the file as `fileName` (relative to the run).
 */
export class FollowedLog {
  private reader: ScalarLogReader;
  private offset = 0;
  private last: Snapshot | null = null;
  private head: Buffer = Buffer.alloc(0);
  private anchor: Buffer = Buffer.alloc(0);
  /** The last line has been taken as it is. */
  private settled = false;
  /** Rows came of that. */
  private tookTail = false;
  private missing = '';
  private emptyReported = false;
  private changedAt = 0;
  /** Read, but not parsed yet. */
  private ahead = noBytes;
  private readonly sliceBytes: number;
  private readonly settleAfter: number;
  private readonly now: () => number;
  private readonly turn: () => Promise<void>;

  constructor(
    private readonly path: string,
    private readonly fileName: string,
    private readonly format: Pick<LogFormat, 'createReader'>,
    options: FollowLogOptions = {},
  ) {
    this.reader = format.createReader(fileName);
    this.sliceBytes = options.sliceBytes ?? 1024 * 1024;
    this.settleAfter = options.settleAfter ?? 5000;
    this.now = options.now ?? Date.now;
    this.turn = options.turn ?? (() => Promise.resolve());
  }

  /** Reads on. Never throws for what may happen to a file; calls must not overlap. */
  async poll(): Promise<LogChange> {
    if (this.ahead.length > 0 && this.last !== null) {
      return this.takeAhead({ present: true, changed: false, ...bytesAndTime(this.last) }, false);
    }
    let handle: FileHandle | null = null;
    try {
      handle = await open(this.path, readWithoutWaiting);
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) {
        return this.unreadable('is not a regular file');
      }
      this.missing = '';
      return await this.readOn(handle, stats);
    } catch (error) {
      return this.unreadable(explainSystemError(error));
    } finally {
      await handle?.close().catch(() => undefined);
    }
  }

  /** Takes a last line without line end as it is; for a log that is known to be complete. */
  finish(): Pick<LogChange, 'rows' | 'columns' | 'problems'> {
    return { rows: this.settle(), columns: this.reader.takeColumns?.() ?? null, problems: this.reader.takeProblems() };
  }

  /** What the log holds besides scalars so far: name of a quantity -> what it is. */
  otherTags(): ReadonlyMap<string, string> {
    return this.reader.otherTags?.() ?? nothing;
  }

  private async readOn(handle: FileHandle, stats: BigIntStats): Promise<LogChange> {
    const snapshot: Snapshot = { size: stats.size, mtime: stats.mtimeNs, inode: stats.ino };
    const changed = this.last === null || snapshot.size !== this.last.size || snapshot.mtime !== this.last.mtime || snapshot.inode !== this.last.inode;
    const size = Number(stats.size);
    const about = { present: true, changed, ...bytesAndTime(snapshot) };
    let restarted = false;
    if (changed) {
      this.changedAt = this.now();
      restarted = await this.isOther(handle, snapshot);
      if (restarted) {
        this.restart();
      }
    }
    this.last = snapshot;
    const rows: ScalarRow[] = [];
    const most = slicesAhead * this.sliceBytes;
    let wanted = Math.min(most, size - this.offset);
    if (wanted > 0) {
      let bytes = await this.readAt(handle, this.offset, wanted);
      if (this.tookTail && bytes.length > 0 && bytes[0] !== 0x0a && bytes[0] !== 0x0d) {
        // A line that counted as complete goes on: what was read from it was wrong.
        this.restart();
        restarted = true;
        wanted = Math.min(most, size);
        bytes = await this.readAt(handle, 0, wanted);
      }
      this.settled = false;
      this.tookTail = false;
      this.ahead = bytes;
      return this.takeAhead(about, restarted);
    } else if (!this.settled && this.now() - this.changedAt >= this.settleAfter) {
      rows.push(...this.settle());
    }
    const problems = this.reader.takeProblems();
    if (size === 0 && !this.emptyReported) {
      this.emptyReported = true;
      problems.push({ file: this.fileName, place: '', reason: 'is empty: nothing has been logged yet', severity: 'info' });
    }
    return { ...about, restarted, rows, columns: this.reader.takeColumns?.() ?? null, problems, more: this.offset < size };
  }

  /** Parses the next slice of what was read. */
  private async takeAhead(about: Pick<LogChange, 'present' | 'changed' | 'bytes' | 'modified'>, restarted: boolean): Promise<LogChange> {
    await this.turn();
    const rows: ScalarRow[] = [];
    const slice = this.ahead.subarray(0, this.sliceBytes);
    // Not an empty view: it would keep all that was read in memory.
    this.ahead = slice.length < this.ahead.length ? this.ahead.subarray(slice.length) : noBytes;
    this.take(slice, rows);
    const columns = this.reader.takeColumns?.() ?? null;
    return { ...about, restarted, rows, columns, problems: this.reader.takeProblems(), more: this.ahead.length > 0 || this.offset < about.bytes };
  }

  private settle(): ScalarRow[] {
    const rows = this.reader.flush();
    this.settled = true;
    this.tookTail ||= rows.length > 0;
    return rows;
  }

  /** Whether the file is not the one that was read so far, continued. */
  private async isOther(handle: FileHandle, now: Snapshot): Promise<boolean> {
    if (this.last === null || this.offset === 0) {
      return false;
    }
    if (now.size < BigInt(this.offset)) {
      return true;
    }
    const head = await this.readAt(handle, 0, this.head.length);
    const anchor = await this.readAt(handle, this.offset - this.anchor.length, this.anchor.length);
    return !head.equals(this.head) || !anchor.equals(this.anchor);
  }

  private take(bytes: Buffer, rows: ScalarRow[]): void {
    if (this.head.length < rememberedBytes) {
      this.head = Buffer.concat([this.head, bytes.subarray(0, rememberedBytes - this.head.length)]);
    }
    const tail = Buffer.concat([this.anchor, bytes.subarray(-rememberedBytes)]);
    this.anchor = Buffer.from(tail.subarray(-rememberedBytes));
    this.offset += bytes.length;
    for (const row of this.reader.push(bytes)) {
      rows.push(row);
    }
  }

  private restart(): void {
    this.reader = this.format.createReader(this.fileName);
    this.offset = 0;
    this.ahead = noBytes;
    this.head = Buffer.alloc(0);
    this.anchor = Buffer.alloc(0);
    this.settled = false;
    this.tookTail = false;
    this.emptyReported = false;
  }

  /** Up to `length` bytes; fewer when the file became shorter meanwhile. */
  private async readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) {
        break;
      }
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  /** Says so once; what was read stays valid until the file comes back and proves to be another. */
  private unreadable(reason: string): LogChange {
    const isNew = this.missing !== reason;
    this.missing = reason;
    const problem: FileProblem = { file: this.fileName, place: '', reason, severity: 'error' };
    return { restarted: false, rows: [], columns: null, problems: isNew ? [problem] : [], more: false, present: false, changed: isNew, bytes: 0, modified: 0 };
  }
}

function bytesAndTime({ size, mtime }: Snapshot): Pick<LogChange, 'bytes' | 'modified'> {
  return { bytes: Number(size), modified: Number(mtime / 1_000_000n) };
}
