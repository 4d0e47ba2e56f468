import { FormatError, type ByteSource } from './byteSource';
import { bytesOf, isDType } from './decode';
import { duplicateKey } from './duplicateKey';
import { explainGitLfsPointer } from './gitLfs';
import { decodeTensor, readPieces } from './pieces';
import type { TensorFormat } from './registry';
import { elementsOf } from './shape';
import type { SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';

/** The reference implementation's own limit (safetensors/src/tensor.rs, MAX_HEADER_SIZE): a longer header is an attack on the parser. */
const largestHeader = 100_000_000;
/** The largest published models have tens of thousands of tensors. */
const mostTensors = 1_000_000;
/** Bytes of the header length that a file begins with, little-endian. */
const prefix = 8;
/** Types of the format that no metric needs: listed, not decoded. */
const undecoded = new Set(['F4', 'F6_E2M3', 'F6_E3M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ']);

interface Entry extends TensorInfo {
  readonly offset: number;
  readonly elements: number;
}

interface Range {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** https://huggingface.co/docs/safetensors: header length, JSON header, then the tensors without gaps. */
export const safetensors: TensorFormat = {
  kind: 'tensors',
  id: 'safetensors',
  label: 'safetensors',
  mayBe: (name) => /\.safetensors$/i.test(name),
  // There is no signature, so the ending decides: a damaged file is then explained instead of ignored.
  matches: ({ name, head }) => /\.safetensors$/i.test(name) && explainGitLfsPointer(head) === null,
  open: async (source) => openSafetensors(source),
};

async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  const { ranges, metadata, data } = await readHeader(source);
  const entries = new Map<string, Entry>();
  const skipped: SkippedTensor[] = [];
  for (const range of ranges) {
    const { name, dtype, shape } = range;
    const bytes = range.end - range.begin;
    if (!isDType(dtype)) {
      skipped.push({ name, reason: `its type ${dtype} is not decoded` });
      continue;
    }
    const elements = elementsOf(shape);
    if (typeof elements === 'string') {
      throw new FormatError(source.name, `tensor ${name}`, elements);
    }
    if (elements * bytesOf(dtype) !== bytes) {
      const needed = elements * bytesOf(dtype);
      throw new FormatError(source.name, `tensor ${name}`, `${dtype} of shape [${shape.join(', ')}] needs ${needed} bytes, but its offsets span ${bytes}`);
    }
    entries.set(name, { name, shape, dtype, bytes, offset: data + range.begin, elements });
  }
  requireContiguous(source, ranges, data);
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry !== undefined) return entry;
    const reason = skipped.find((tensor) => tensor.name === name)?.reason ?? 'there is no such tensor in the file';
    throw new FormatError(source.name, `tensor ${name}`, reason);
  };
  return {
    tensors: [...entries.values()].map(({ name, shape, dtype, bytes }) => ({ name, shape, dtype, bytes })),
    metadata,
    skipped,
    read: async (name) => readEntry(source, entryOf(name)),
    async readRows(name, first, count) {
      const { shape: [rows = 1, ...others], ...entry } = entryOf(name);
      if (first < 0 || count < 0 || first + count > rows) {
        throw new FormatError(source.name, `tensor ${name}`, `has ${rows} rows, not rows ${first} to ${first + count}`);
      }
      const [bytes, elements] = [entry.bytes / rows, entry.elements / rows];
      return readEntry(source, { ...entry, shape: [count, ...others], offset: entry.offset + first * bytes, bytes: count * bytes, elements: count * elements });
    },
  };
}

async function readEntry(source: ByteSource, entry: Entry): Promise<Tensor> {
  const { name, shape, dtype } = entry;
  const data = await decodeTensor(source.name, `tensor ${name}`, entry, async (push) => {
    for await (const piece of readPieces(source, entry.offset, entry.bytes)) {
      push(piece);
    }
  });
  return { name, shape, dtype, data };
}

async function readHeader(source: ByteSource): Promise<{ ranges: Range[]; metadata: Record<string, string>; data: number }> {
  const fail = (place: string, reason: string) => new FormatError(source.name, place, reason);
  if (source.size < prefix) {
    throw fail('byte 0', `a safetensors file begins with ${prefix} bytes of header length, but the file has only ${source.size}`);
  }
  const first = Buffer.from(await source.read(0, Math.min(source.size, 1024)));
  const pointer = explainGitLfsPointer(first);
  if (pointer !== null) {
    throw fail('', pointer);
  }
  const length = first.readBigUInt64LE(0);
  if (length > BigInt(source.size - prefix)) {
    throw fail('byte 0', `the header is said to be ${length} bytes long, but only ${source.size - prefix} follow: truncated or not a safetensors file`);
  }
  if (length > largestHeader) {
    throw fail('byte 0', `the header is said to be ${length} bytes long, more than the limit of ${largestHeader}`);
  }
  const bytes = await source.read(prefix, Number(length));
  const header = parseHeader(bytes, fail);
  const names = Object.keys(header).filter((name) => name !== '__metadata__');
  if (names.length > mostTensors) {
    throw fail(`byte ${prefix}`, `the header lists ${names.length} tensors, more than the limit of ${mostTensors}`);
  }
  const ranges = names.map((name) => rangeOf(name, header[name], fail));
  // Stable: empty tensors stay in the order of the header.
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { ranges, metadata: metadataOf(header['__metadata__'], fail), data: prefix + bytes.length };
}

type Fail = (place: string, reason: string) => FormatError;

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail(`byte ${prefix}`, 'the header is not valid UTF-8');
  }
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw fail(`byte ${prefix}`, `the header is not JSON (${explainJson(error)})`);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw fail(`byte ${prefix}`, 'the header is not a JSON object');
  }
  const twice = duplicateKey(text);
  if (twice !== null) {
    throw fail(`tensor ${twice}`, 'is listed twice in the header');
  }
  return header as Record<string, unknown>;
}

function explainJson(error: unknown): string {
  // Node quotes the text in its message, which may be any bytes at all.
  return (error instanceof Error ? error.message : String(error)).replace(/[^\x20-\x7e]/g, '?').slice(0, 120);
}

function rangeOf(name: string, entry: unknown, fail: Fail): Range {
  const place = `tensor ${name}`;
  if (typeof entry !== 'object' || entry === null) {
    throw fail(place, 'its header entry is not an object');
  }
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (typeof dtype !== 'string' || !(isDType(dtype) || undecoded.has(dtype))) {
    throw fail(place, `its dtype ${JSON.stringify(dtype)} is unknown`);
  }
  if (!isNumbers(shape)) {
    throw fail(place, 'its shape is not a list of numbers');
  }
  if (!isNumbers(offsets) || offsets.length !== 2) {
    throw fail(place, 'its data_offsets are not two numbers');
  }
  const [begin, end] = offsets as [number, number];
  if (!Number.isSafeInteger(begin) || !Number.isSafeInteger(end) || begin < 0 || end < begin) {
    throw fail(place, `its data_offsets [${begin}, ${end}] are not a range`);
  }
  return { name, dtype, shape, begin, end };
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'number');
}

/** Strings by the specification; numbers that a careless writer left are kept as strings. */
function metadataOf(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined || value === null) {
    return {};
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw fail(`byte ${prefix}`, '__metadata__ is not an object');
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, typeof entry === 'string' ? entry : JSON.stringify(entry)]));
}

function requireContiguous(source: ByteSource, ranges: readonly Range[], data: number): void {
  const available = source.size - data;
  let end = 0;
  let previous = '';
  for (const range of ranges) {
    const place = `tensor ${range.name}`;
    if (range.end > available) {
      const reason = `its values end at byte ${data + range.end}, but the file has only ${source.size}: truncated or still being written`;
      throw new FormatError(source.name, place, reason);
    }
    if (range.begin < end) {
      throw new FormatError(source.name, place, `its values begin at byte ${data + range.begin}, inside tensor ${previous}`);
    }
    if (range.begin > end) {
      throw new FormatError(source.name, place, `${range.begin - end} bytes before its values belong to no tensor`);
    }
    end = range.end;
    previous = range.name;
  }
  if (end !== available) {
    throw new FormatError(source.name, `byte ${data + end}`, `${available - end} bytes after the last tensor belong to no tensor`);
  }
}
