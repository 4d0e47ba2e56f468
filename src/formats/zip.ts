import { pipeline } from 'node:stream/promises';
import { constants, crc32, createInflateRaw, inflateRawSync } from 'node:zlib';
import { fromRandomAccessReaderPromise, RandomAccessReader, type Entry, type ZipFile } from 'yauzl';
import { FormatError, type ByteSource } from './byteSource';
import { readPieces } from './pieces';

/** A checkpoint has one entry a tensor; nothing written by a training script comes near. */
const mostEntries = 100_000;
/** What deflate can reach at most (zlib.net/zlib_tech.html, "Maximum Compression Factor"); an entry beyond it lies about its size. */
const largestDeflateRatio = 1032;
/** The directory is read 46 bytes at a time; one read from disk serves many of them. */
const readAhead = 16 * 1024;

/** One file inside an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  /** Offset of its (compressed) bytes in the archive. */
  readonly start: number;
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
  private constructor(
    readonly source: ByteSource,
    readonly entries: readonly ZipEntry[],
    readonly skipped: readonly SkippedZipEntry[],
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
        const checked = await checkEntry(zip, entry, source);
        if ('reason' in checked) {
          skipped.push(checked);
        } else {
          entries.push(checked);
        }
      }
    } catch (error) {
      throw error instanceof FormatError ? error : new FormatError(source.name, 'zip directory', sentence(error));
    }
    requireApart(source, entries);
    return new ZipArchive(source, entries, skipped);
  }

  /** Up to `length` bytes from the start of an entry. */
  async head(entry: ZipEntry, length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, entry.bytes);
    if (entry.method === 'stored') {
      return this.source.read(entry.start, wanted);
    }
    // Deflate may grow a block of bytes that do not compress by a little.
    const compressed = await this.source.read(entry.start, Math.min(entry.compressedBytes, wanted + 1024));
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
    const pieces = readPieces(this.source, entry.start, entry.compressedBytes);
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

async function checkEntry(zip: ZipFile, entry: Entry, source: ByteSource): Promise<ZipEntry | SkippedZipEntry> {
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
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  if (!(start + compressedBytes <= source.size)) {
    throw new FormatError(source.name, place, `ends at byte ${start + compressedBytes}, but the file has only ${source.size}`);
  }
  return { name, method: entry.compressionMethod === 0 ? 'stored' : 'deflated', start, compressedBytes, bytes, crc32: entry.crc32 };
}

/** Entries that share bytes are how a small archive pretends to hold a large one (Fifield 2019, "A better zip bomb"). */
function requireApart(source: ByteSource, entries: readonly ZipEntry[]): void {
  const inOrder = [...entries].sort((a, b) => a.start - b.start);
  for (let i = 1; i < inOrder.length; i++) {
    const before = inOrder[i - 1]!;
    const entry = inOrder[i]!;
    if (entry.start < before.start + before.compressedBytes) {
      throw new FormatError(source.name, `entry ${entry.name}`, `lies inside entry ${before.name}`);
    }
  }
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
    this.fill(buffer, offset, length, position)
      .then(
        () => callback(null),
        (error: Error) => callback(error),
      )
      .catch((error: unknown) => this.fail(error));
  }

  private async fill(buffer: Buffer, offset: number, length: number, position: number): Promise<void> {
    const inside = position >= this.windowStart && position + length <= this.windowStart + this.window.length;
    if (!inside) {
      const available = Math.max(0, this.source.size - position);
      this.window = await this.source.read(position, Math.max(length, Math.min(readAhead, available)));
      this.windowStart = position;
    }
    const from = position - this.windowStart;
    buffer.set(this.window.subarray(from, from + length), offset);
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
