import { pipeline } from 'node:stream/promises';
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry } from 'yauzl';
import { FormatError, type ByteSource } from './byteSource';
import { readPieces } from './pieces';

/** A checkpoint has one entry a tensor; nothing written by a training script comes near. */
const mostEntries = 100_000;
/** What deflate can reach at most (zlib.net/zlib_tech.html, "Maximum Compression Factor"); an entry beyond it lies about its size. */
const largestDeflateRatio = 1032;
/** The directory is read 46 bytes at a time; one read from disk serves many of them. */
const readAhead = 64 * 1024;
/** Before the name of an entry, where its bytes are (APPNOTE.TXT, 4.3.7). */
const localHeaderBytes = 30;
const localHeaderSignature = 0x04034b50;

/** One file inside an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  /** Offset of its own header, which says where its (compressed) bytes begin. */
  readonly headerStart: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly crc32: number;
}

/** An entry that cannot be read, with the reason. */
export interface SkippedZipEntry {
  readonly name: string;
  readonly reason: string;
}

/** The directory of a zip archive (stored and deflated entries, zip64), with sizes checked against the file before they are believed. */
export class ZipArchive {
  private readonly starts = new Map<number, number>();

  private constructor(
    readonly source: ByteSource,
    readonly entries: readonly ZipEntry[],
    readonly skipped: readonly SkippedZipEntry[],
    /** Where the entry after the one at an offset begins. */
    private readonly next: ReadonlyMap<number, number>,
  ) {}

  /** @throws {FormatError} when the bytes are no complete zip archive. */
  static async open(source: ByteSource): Promise<ZipArchive> {
    const reader = new SourceReader(source);
    return Promise.race([ZipArchive.readDirectory(source, reader), reader.failure]);
  }

  private static async readDirectory(source: ByteSource, reader: SourceReader): Promise<ZipArchive> {
    const entries: ZipEntry[] = [];
    const skipped: SkippedZipEntry[] = [];
    try {
      const zip = await fromRandomAccessReaderPromise(reader, source.size, { autoClose: false });
      if (zip.entryCount > mostEntries) {
        throw new FormatError(source.name, 'zip directory', `lists ${zip.entryCount} entries, more than the limit of ${mostEntries}`);
      }
      for await (const entry of zip.eachEntry()) {
        const checked = checkEntry(entry, source);
        if ('reason' in checked) {
          skipped.push(checked);
        } else {
          entries.push(checked);
        }
      }
    } catch (error) {
      throw error instanceof FormatError ? error : new FormatError(source.name, 'zip directory', sentence(error));
    }
    return new ZipArchive(source, entries, skipped, requireApart(source, entries));
  }

  /**
   * Offset of the (compressed) bytes of an entry. Asked for when they are wanted: one more read for each entry would make listing slow.
   * @throws {FormatError} when they are not where the directory says
   */
  async startOf({ name, headerStart, compressedBytes }: ZipEntry): Promise<number> {
    const known = this.starts.get(headerStart);
    if (known !== undefined) {
      return known;
    }
    const { source } = this;
    const header = Buffer.from(await source.read(headerStart, localHeaderBytes));
    if (header.readUInt32LE(0) !== localHeaderSignature) {
      throw new FormatError(source.name, `entry ${name}`, `has no header at byte ${headerStart}, where the directory says`);
    }
    const start = headerStart + localHeaderBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
    const next = this.next.get(headerStart) ?? source.size;
    if (start + compressedBytes > next) {
      const reason = next === source.size ? `but the file has only ${next}` : `inside another entry, which begins at byte ${next}`;
      throw new FormatError(source.name, `entry ${name}`, `ends at byte ${start + compressedBytes}, ${reason}`);
    }
    this.starts.set(headerStart, start);
    return start;
  }

  /** Up to `length` bytes from the start of an entry. */
  async head(entry: ZipEntry, length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, entry.bytes);
    const start = await this.startOf(entry);
    if (entry.method === 'stored') {
      return this.source.read(start, wanted);
    }
    // Deflate may grow a block of bytes that do not compress by a little.
    const compressed = await this.source.read(start, Math.min(entry.compressedBytes, wanted + 1024));
    try {
      const most = Math.max(wanted, compressed.length * largestDeflateRatio + 1024);
      return inflateRawSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: most }).subarray(0, wanted);
    } catch (error) {
      throw this.damaged(entry, error);
    }
  }

  /**
   * Hands the bytes of an entry to `take` in order, some at a time; size and checksum are verified at the end.
   * @throws {FormatError} when the entry is damaged.
   */
  async read(entry: ZipEntry, take: (bytes: Uint8Array) => void): Promise<void> {
    let bytes = 0;
    let checksum = 0;
    const count = (piece: Uint8Array) => {
      bytes += piece.length;
      if (bytes > entry.bytes) {
        throw new FormatError(this.source.name, `entry ${entry.name}`, `holds more than the ${entry.bytes} bytes that the directory says`);
      }
      checksum = crc32(piece, checksum);
      take(piece);
    };
    const pieces = readPieces(this.source, await this.startOf(entry), entry.compressedBytes);
    if (entry.method === 'stored') {
      for await (const piece of pieces) {
        count(piece);
      }
    } else {
      try {
        await pipeline(pieces, createInflateRaw(), async (inflated: AsyncIterable<Uint8Array>) => {
          for await (const piece of inflated) {
            count(piece);
          }
        });
      } catch (error) {
        throw this.damaged(entry, error);
      }
    }
    if (bytes !== entry.bytes) {
      throw new FormatError(this.source.name, `entry ${entry.name}`, `holds ${bytes} bytes, but the directory says ${entry.bytes}`);
    }
    if (checksum !== entry.crc32) {
      throw new FormatError(this.source.name, `entry ${entry.name}`, 'its checksum (CRC-32) does not fit its bytes');
    }
  }

  private damaged(entry: ZipEntry, error: unknown): Error {
    return error instanceof FormatError || error instanceof RangeError
      ? error
      : new FormatError(this.source.name, `entry ${entry.name}`, `its compressed bytes are damaged (${sentence(error)})`);
  }
}

function checkEntry(entry: Entry, source: ByteSource): ZipEntry | SkippedZipEntry {
  const name = entry.fileName;
  const place = `entry ${name}`;
  const { compressedSize: compressedBytes, uncompressedSize: bytes } = entry;
  if (entry.isEncrypted()) {
    return { name, reason: 'is encrypted' };
  }
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8) {
    return { name, reason: `is compressed by method ${entry.compressionMethod}; only stored and deflated entries are read` };
  }
  if (bytes > compressedBytes * largestDeflateRatio + 1024) {
    throw new FormatError(source.name, place, `is said to grow from ${compressedBytes} to ${bytes} bytes, more than deflate can do`);
  }
  const headerStart = entry.relativeOffsetOfLocalHeader;
  const end = leastEnd({ headerStart, compressedBytes });
  if (!(end <= source.size)) {
    throw new FormatError(source.name, place, `ends at byte ${end}, but the file has only ${source.size}`);
  }
  return { name, method: entry.compressionMethod === 0 ? 'stored' : 'deflated', headerStart, compressedBytes, bytes, crc32: entry.crc32 };
}

/** Where an entry ends at the earliest: its header also has its name, and perhaps more. */
function leastEnd({ headerStart, compressedBytes }: Pick<ZipEntry, 'headerStart' | 'compressedBytes'>): number {
  return headerStart + localHeaderBytes + compressedBytes;
}

/**
 * Entries that share bytes are how a small archive pretends to hold a large one (Fifield 2019, "A better zip bomb").
 * @returns where the entry after the one at an offset begins
 */
function requireApart(source: ByteSource, entries: readonly ZipEntry[]): Map<number, number> {
  const next = new Map<number, number>();
  const inOrder = [...entries].sort((a, b) => a.headerStart - b.headerStart);
  for (let i = 1; i < inOrder.length; i++) {
    const before = inOrder[i - 1]!;
    const entry = inOrder[i]!;
    if (entry.headerStart < leastEnd(before)) {
      throw new FormatError(source.name, `entry ${entry.name}`, `lies inside entry ${before.name}`);
    }
    next.set(before.headerStart, entry.headerStart);
  }
  return next;
}

/** Lets yauzl read from a source. What it throws inside a callback ends up in `failure` instead of ending the process. */
class SourceReader extends RandomAccessReader {
  readonly failure: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;

  constructor(private readonly source: ByteSource) {
    super();
    this.failure = new Promise<never>((_, reject) => {
      this.fail = (error) => reject(new FormatError(source.name, 'zip directory', sentence(error)));
    });
    this.failure.catch(() => undefined);
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    if (this.copy(buffer, offset, length, position)) {
      // At once, since a turn of the event loop for each of thousands of entries adds up.
      try {
        callback(null);
      } catch (error) {
        this.fail(error);
      }
      return;
    }
    this.fill(length, position)
      .then(
        () => {
          this.copy(buffer, offset, length, position);
          callback(null);
        },
        (error: Error) => callback(error),
      )
      .catch((error: unknown) => this.fail(error));
  }

  /** From what is already in memory, if it is there. */
  private copy(buffer: Buffer, offset: number, length: number, position: number): boolean {
    const from = position - this.windowStart;
    if (from < 0 || from + length > this.window.length) {
      return false;
    }
    buffer.set(this.window.subarray(from, from + length), offset);
    return true;
  }

  private async fill(length: number, position: number): Promise<void> {
    const available = Math.max(0, this.source.size - position);
    this.window = await this.source.read(position, Math.max(length, Math.min(readAhead, available)));
    this.windowStart = position;
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
