import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { FileProblem, MeasurementRecord } from '../protocol';
import { parseRecord } from './parseRecord';

/** Bytes parsed between two turns of the event loop: some milliseconds of parsing and filing. */
const sliceBytes = 64 * 1024;
/** A longer line is no record (inputs.md, section 6). */
const maximumLineBytes = 16 * 1024 * 1024;
/** A last line without its end belongs to a writer that died once it has not moved for this long. */
const tornAfterMilliseconds = 1000;
/** Problems told of one file; a file of another kind would otherwise tell one a line. */
const maximumProblems = 20;

const newline = 0x0a;
const space = 0x20;

/** One append-only JSON Lines file of records, read as it grows and written by any number of processes at once. */
export class RecordFile {
  private offset = 0;
  private line = 0;
  private inode = 0;
  private turn: Promise<void> = Promise.resolve();
  private lineProblems: FileProblem[] = [];

  constructor(
    readonly file: string,
    /** Waited for before a slice is parsed. Default: a turn of the event loop. */
    private readonly waitForTurn: () => Promise<void> = () => nextTurn(),
  ) {}

  /** Broken lines, each with its number. */
  get problems(): readonly FileProblem[] {
    return this.lineProblems;
  }

  /**
   * Hands over the records that were added since the last call, in slices that leave the event loop free; a replaced file is read anew.
   * A last line without its end is left for the next call.
   */
  refresh(accept: (records: readonly MeasurementRecord[]) => void): Promise<void> {
    return this.inTurn(() => this.refreshNow(accept));
  }

  /**
   * Appends whole lines with one write and waits until they are on the disk.
   * @throws the error of the file system when the place cannot be written.
   */
  append(records: readonly MeasurementRecord[]): Promise<void> {
    return this.inTurn(() => this.appendNow(records));
  }

  /** Reading and writing both move `offset`, so they never overlap. */
  private inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.turn.then(action);
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async refreshNow(accept: (records: readonly MeasurementRecord[]) => void): Promise<void> {
    const found = await stat(this.file).catch(() => null);
    if (this.inode !== 0 && (found === null || found.ino !== this.inode || found.size < this.offset)) {
      this.offset = 0;
      this.line = 0;
      this.inode = 0;
      this.lineProblems = [];
    }
    if (found === null || found.size <= this.offset) return;
    this.inode = found.ino;
    const handle = await open(this.file, 'r');
    try {
      await this.readOn(handle, accept);
    } finally {
      await handle.close();
    }
  }

  private async readOn(handle: FileHandle, accept: (records: readonly MeasurementRecord[]) => void): Promise<void> {
    const slice = Buffer.allocUnsafe(sliceBytes);
    let rest = Buffer.alloc(0);
    for (;;) {
      const { bytesRead } = await handle.read(slice, 0, sliceBytes, this.offset + rest.length);
      if (bytesRead === 0) return;
      const bytes = Buffer.concat([rest, slice.subarray(0, bytesRead)]);
      const end = bytes.lastIndexOf(newline) + 1;
      await this.waitForTurn();
      if (end > 0) accept(this.parseLines(bytes.subarray(0, end)));
      this.offset += end;
      rest = bytes.subarray(end);
      if (rest.length > maximumLineBytes) {
        this.tell(this.line + 1, `the line is longer than ${maximumLineBytes} bytes; the rest of the file is not read`);
        return;
      }
    }
  }

  private parseLines(bytes: Buffer): MeasurementRecord[] {
    const records: MeasurementRecord[] = [];
    const lines = bytes.toString('utf8').split('\n');
    lines.pop();
    for (const line of lines) {
      this.line += 1;
      if (line.trim() === '') continue;
      try {
        records.push(parseRecord(line));
      } catch (error) {
        this.tell(this.line, `not a record: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return records;
  }

  private tell(line: number, reason: string): void {
    if (this.lineProblems.length < maximumProblems) {
      this.lineProblems.push({ file: this.file, place: `line ${line}`, reason, severity: 'warning' });
    }
  }

  private async appendNow(records: readonly MeasurementRecord[]): Promise<void> {
    await mkdir(path.dirname(this.file), { recursive: true });
    await this.repairLastLine();
    const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    const handle = await open(this.file, 'a');
    try {
      // One write, so that lines of several writers do not mix; only a full disk makes it shorter, and then the next append repairs.
      const { bytesWritten } = await handle.write(bytes);
      if (bytesWritten < bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes could be written`);
      await handle.datasync();
      const { size, ino } = await handle.stat();
      if (size === this.offset + bytes.length && (this.inode === 0 || this.inode === ino)) {
        this.offset = size;
        this.inode = ino;
        this.line += records.length;
      }
    } finally {
      await handle.close();
    }
  }

  /**
   * A writer that was killed may leave a line without its end. It is overwritten in place with blanks and a line end:
   * unlike truncating, that cannot take away what another process appends at the same moment.
   */
  private async repairLastLine(): Promise<void> {
    for (;;) {
      const handle = await open(this.file, 'r+').catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
      if (handle === null) return;
      try {
        const { size, mtimeMs } = await handle.stat();
        const start = await startOfTornLine(handle, size);
        if (start === size) return;
        if (Date.now() - mtimeMs >= tornAfterMilliseconds) {
          const blanks = Buffer.alloc(size - start, space);
          blanks[blanks.length - 1] = newline;
          await handle.write(blanks, 0, blanks.length, start);
          return;
        }
      } finally {
        await handle.close();
      }
      await sleep(tornAfterMilliseconds / 4);
    }
  }
}

/** Where the last line begins if it has no end, else the size of the file. */
async function startOfTornLine(handle: FileHandle, size: number): Promise<number> {
  const step = 64 * 1024;
  const bytes = Buffer.alloc(step);
  for (let end = size; end > 0; end = Math.max(0, end - step)) {
    const begin = Math.max(0, end - step);
    const { bytesRead } = await handle.read(bytes, 0, end - begin, begin);
    const last = bytes.subarray(0, bytesRead).lastIndexOf(newline);
    if (last !== -1) return begin + last + 1;
  }
  return 0;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
