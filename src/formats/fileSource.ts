import { open, stat, type FileHandle } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { FormatError, type ByteSource } from './byteSource';

export interface FileSourceOptions {
  /** The name in messages. Default: the path. */
  readonly name?: string;
  /** Milliseconds without a read after which the file is closed; it is opened again by the next read. Default 1000. */
  readonly idleClose?: number;
}

/** Small enough that one read does not hold a thread of the pool for long on a slow disk; above Node's limit of 2 GiB a read fails. */
const largestRead = 16 * 1024 * 1024;

/**
 * A local file. It is closed while idle, so that people on Windows can delete or replace it.
 * @throws {FormatError} when there is no such file, it is not a regular file, or it may not be read.
 */
export async function openFile(path: string, options: FileSourceOptions = {}): Promise<ByteSource> {
  const name = options.name ?? path;
  // A pipe must not be opened: that blocks until somebody writes to it.
  const before = await systemCall(name, () => stat(path));
  if (!before.isFile()) {
    throw new FormatError(name, '', before.isDirectory() ? 'is a folder, not a file' : 'is not a regular file');
  }
  const handle = await systemCall(name, () => open(path, 'r'));
  try {
    const stats = await handle.stat({ bigint: true });
    return new FileSource(path, name, stats, handle, options.idleClose ?? 1000);
  } catch (error) {
    await handle.close();
    throw systemError(name, error);
  }
}

class FileSource implements ByteSource {
  readonly size: number;
  readonly version: string;
  private handle: Promise<FileHandle> | null;
  private reading = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly path: string,
    readonly name: string,
    stats: BigIntStats,
    handle: FileHandle,
    private readonly idleClose: number,
  ) {
    this.size = Number(stats.size);
    this.version = versionOf(stats);
    this.handle = Promise.resolve(handle);
    this.closeWhenIdle();
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    requireRange(this, offset, length);
    this.reading++;
    clearTimeout(this.timer);
    try {
      const handle = await this.opened();
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const { bytesRead } = await handle.read(bytes, done, Math.min(length - done, largestRead), offset + done);
        if (bytesRead === 0) {
          throw new FormatError(this.name, `byte ${offset + done}`, 'changed while it was read: it ends here now');
        }
        done += bytesRead;
      }
      const stats = await handle.stat({ bigint: true });
      if (stats.nlink === 0n) {
        throw new FormatError(this.name, '', 'was deleted while it was read');
      }
      if (versionOf(stats) !== this.version) {
        throw new FormatError(this.name, '', 'changed while it was read');
      }
      return bytes;
    } catch (error) {
      throw isCode(error, 'ENOENT') ? new FormatError(this.name, '', 'was deleted while it was read') : systemError(this.name, error);
    } finally {
      this.reading--;
      this.closeWhenIdle();
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    const handle = this.handle;
    this.handle = null;
    await (await handle?.catch(() => null))?.close();
  }

  /** One open file for all reads that run at once; a failed attempt is not kept. */
  private opened(): Promise<FileHandle> {
    this.handle ??= open(this.path, 'r').catch((error: unknown) => {
      this.handle = null;
      throw error;
    });
    return this.handle;
  }

  private closeWhenIdle(): void {
    if (this.reading === 0) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.close().catch(() => undefined), this.idleClose).unref();
    }
  }
}

/** @throws {FormatError} when the range is not inside the source. */
export function requireRange(source: Pick<ByteSource, 'name' | 'size'>, offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= source.size)) {
    throw new FormatError(source.name, `byte ${offset}`, `${length} bytes are wanted from here, but the file has only ${source.size}`);
  }
}

/** Why the operating system refused, in words. */
export function explainSystemError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'does not exist (any more)';
    case 'EACCES':
    case 'EPERM':
      return 'no permission to read it';
    case 'EISDIR':
      return 'is a folder, not a file';
    case 'ENOTDIR':
      return 'is not a folder';
    case 'ELOOP':
      return 'is a link that leads to itself';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open on this machine';
    case 'EIO':
    case 'ESTALE':
      return `the disk or network drive failed (${code})`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function versionOf(stats: BigIntStats): string {
  return `${stats.size}-${stats.mtimeNs}-${stats.ino}`;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function systemError(name: string, error: unknown): FormatError {
  return error instanceof FormatError ? error : new FormatError(name, '', explainSystemError(error));
}

async function systemCall<Result>(name: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw systemError(name, error);
  }
}
