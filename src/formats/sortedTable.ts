import { FormatError, type ByteSource } from './byteSource';
import { maskedCrc32c } from './crc32c';
import { readVarint } from './protobufRanges';
import { uncompressSnappy } from './snappy';

const footerBytes = 48;
const magic = 0xdb4775248b80fb57n;
/** Type of compression and checksum, behind every block. */
const trailerBytes = 5;
/** TensorFlow writes blocks of 256 KB; the index has one short entry a block. */
const largestBlock = 64 * 1024 * 1024;
/** Entries of all blocks: four for every tensor of the largest model. */
const mostEntries = 4_000_000;
/** What all blocks together may hold, so that many handles to one block end. */
const allowance = 256 * 1024 * 1024;

export interface TableEntry {
  /** As latin1, so that any bytes can be compared. */
  readonly key: string;
  readonly value: Uint8Array;
}

interface Handle {
  readonly offset: number;
  readonly length: number;
}

/** LevelDB's sorted table (leveldb/doc/table_format.md), as TensorFlow's tensorflow/core/lib/io/table.cc writes it, with its checksums. */
export async function readSortedTable(source: ByteSource): Promise<TableEntry[]> {
  if (source.size < footerBytes) {
    throw new FormatError(source.name, 'byte 0', `a table ends in ${footerBytes} bytes of footer, but the file has only ${source.size}`);
  }
  const start = source.size - footerBytes;
  const footer = Buffer.from(await source.read(start, footerBytes));
  if (footer.readBigUInt64LE(footerBytes - 8) !== magic) {
    throw new FormatError(source.name, `byte ${source.size - 8}`, 'the magic number of a table is missing: truncated, or no checkpoint index');
  }
  const meta = handleAt(source, footer, 0, start);
  const index = handleAt(source, footer, meta.end, start);
  const entries: TableEntry[] = [];
  let left = allowance;
  for (const { value } of await readBlock(source, index)) {
    const handle = handleAt(source, value, 0, index.offset);
    left -= handle.length + 64;
    if (left < 0) {
      throw new FormatError(source.name, `byte ${index.offset}`, `its blocks hold more than ${allowance} bytes`);
    }
    for (const entry of await readBlock(source, handle)) {
      if (entries.push(entry) > mostEntries) {
        throw new FormatError(source.name, `byte ${handle.offset}`, `lists more than ${mostEntries} entries`);
      }
    }
  }
  return entries;
}

function handleAt(source: ByteSource, bytes: Uint8Array, at: number, place: number): Handle & { readonly end: number } {
  const offset = readVarint(bytes, at, bytes.length);
  const length = offset === null ? null : readVarint(bytes, offset.end, bytes.length);
  if (offset === null || length === null || offset.value + length.value + BigInt(trailerBytes) > BigInt(source.size)) {
    throw new FormatError(source.name, `byte ${place}`, 'points at a block that is not inside the file');
  }
  if (length.value > BigInt(largestBlock)) {
    throw new FormatError(source.name, `byte ${place}`, `points at a block of ${length.value} bytes, more than the limit of ${largestBlock}`);
  }
  return { offset: Number(offset.value), length: Number(length.value), end: length.end };
}

async function readBlock(source: ByteSource, { offset, length }: Handle): Promise<TableEntry[]> {
  const fail = (reason: string) => new FormatError(source.name, `byte ${offset}`, reason);
  const stored = Buffer.from(await source.read(offset, length + trailerBytes));
  if (maskedCrc32c(stored, 0, length + 1) !== stored.readUInt32LE(length + 1)) {
    throw fail('the checksum of the block here does not fit its bytes');
  }
  const type = stored[length]!;
  if (type > 1) {
    throw fail(`the block here has compression ${type}, which is unknown`);
  }
  let block: Buffer = stored.subarray(0, length);
  if (type === 1) {
    try {
      block = Buffer.from(uncompressSnappy(block, largestBlock));
    } catch (error) {
      throw error instanceof RangeError ? fail(`the block here ${error.message}`) : error;
    }
  }
  const restarts = block.length < 4 ? Infinity : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  if (!(end >= 0)) {
    throw fail('the block here says it has more restart points than bytes');
  }
  return entriesOf(block, end, fail);
}

/** Keys share the beginning of the one before. */
function entriesOf(block: Buffer, end: number, fail: (reason: string) => FormatError): TableEntry[] {
  const entries: TableEntry[] = [];
  let key = '';
  let at = 0;
  const number = () => {
    const read = readVarint(block, at, end);
    if (read === null || read.value > 0xffffffffn) {
      throw fail('the block here is damaged');
    }
    at = read.end;
    return Number(read.value);
  };
  while (at < end) {
    const [shared, own, valueLength] = [number(), number(), number()];
    if (shared > key.length || at + own + valueLength > end) {
      throw fail('an entry is longer than the block here');
    }
    key = key.slice(0, shared) + block.toString('latin1', at, at + own);
    at += own;
    entries.push({ key, value: block.subarray(at, at + valueLength) });
    at += valueLength;
  }
  return entries;
}
