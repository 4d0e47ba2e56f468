import { basename } from 'node:path';
import { FormatError, type ByteSource } from './byteSource';
import { copyBox } from './boxes';
import { bundleSliceKey, readBundleEntry, readBundleHeader, type BundleEntry, type BundleSlice } from './bundleProtos';
import { crc32c, masked } from './crc32c';
import { bytesOf } from './decode';
import { decodeTensor, readPieces } from './pieces';
import { MalformedMessage } from './protobuf';
import type { TensorFormat } from './registry';
import { elementsOf } from './shape';
import { readSortedTable } from './sortedTable';
import type { DType, OpenSibling, SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';

/** tensorflow/core/framework/types.proto */
const types: Readonly<Record<number, DType>> = {
  1: 'F32', 2: 'F64', 3: 'I32', 4: 'U8', 5: 'I16', 6: 'I8', 8: 'C64', 9: 'I64', 10: 'BOOL', 14: 'BF16', 17: 'U16', 18: 'C128', 19: 'F16', 22: 'U32', 23: 'U64',
  24: 'F8_E5M2', 25: 'F8_E4M3',
};
const otherTypes: Readonly<Record<number, string>> = { 7: 'texts', 20: 'a resource', 21: 'a variant' };
/** How objects say which of their values a tensor is; everybody writes this one. */
const valueSuffix = '/.ATTRIBUTES/VARIABLE_VALUE';
const objectGraph = '_CHECKPOINTABLE_OBJECT_GRAPH';

interface Part {
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
  /** Masked CRC-32C of its bytes. */
  readonly checksum: number;
  readonly shape: readonly number[];
  readonly start: readonly number[];
}

interface BundleTensor extends TensorInfo {
  readonly elements: number;
  readonly bigEndian: boolean;
  /** One, or the slices of a partitioned variable. */
  readonly parts: readonly Part[];
}

/**
 * TensorFlow's checkpoint (tensorflow/core/util/tensor_bundle): NAME.index, a sorted table of BundleEntryProto, and NAME.data-00000-of-00001, ...
 * Opened by its index; the data files are only opened when a tensor is read.
 */
export const tensorFlowBundle: TensorFormat = {
  kind: 'tensors',
  id: 'tensorFlowBundle',
  label: 'TensorFlow checkpoint',
  mayBe: (name) => /\.index$/i.test(name),
  // The signature is at the end, out of sight; a table begins with an entry that shares nothing, whose key (of the header) is empty.
  matches: ({ name, head }) => /\.index$/i.test(name) && head[0] === 0 && head[1] === 0,
  open: async (source, openSibling) => openBundle(source, openSibling),
};

async function openBundle(source: ByteSource, openSibling: OpenSibling): Promise<TensorFile> {
  const { tensors, skipped, shards } = await listBundle(source);
  const prefix = basename(source.name.replaceAll('\\', '/')).replace(/\.index$/i, '');
  const opened = new Map<number, Promise<ByteSource>>();
  const shardOf = (shard: number) => {
    const digits = (value: number) => String(value).padStart(5, '0');
    const sibling = opened.get(shard) ?? openSibling(`${prefix}.data-${digits(shard)}-of-${digits(shards)}`);
    opened.set(shard, sibling);
    sibling.catch(() => opened.delete(shard));
    return sibling;
  };
  return {
    tensors: [...tensors.values()].map(({ name, shape, dtype, bytes }) => ({ name, shape, dtype, bytes })),
    metadata: {},
    skipped,
    async read(name): Promise<Tensor> {
      const place = `tensor ${name}`;
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new FormatError(source.name, place, skipped.find((each) => each.name === name)?.reason ?? 'there is no such tensor in the checkpoint');
      }
      for (const { shard, offset, bytes } of tensor.parts) {
        const data = await shardOf(shard);
        if (offset + bytes > data.size) {
          throw new FormatError(data.name, place, `its values end at byte ${offset + bytes}, but the file has only ${data.size}`);
        }
      }
      const { shape, dtype } = tensor;
      return { name, shape, dtype, data: await decodeTensor(source.name, place, tensor, (push) => feedParts(tensor, shardOf, push)) };
    },
  };
}

interface Listed {
  readonly tensors: Map<string, BundleTensor>;
  readonly skipped: SkippedTensor[];
  readonly shards: number;
}

async function listBundle(source: ByteSource): Promise<Listed> {
  const table = await readSortedTable(source);
  const parse = <Result>(key: string, read: () => Result): Result => {
    try {
      return read();
    } catch (error) {
      throw error instanceof MalformedMessage ? new FormatError(source.name, key === '' ? 'header' : `tensor ${nameOf(key)}`, error.message) : error;
    }
  };
  const byKey = new Map(table.map(({ key, value }) => [key, value]));
  const headerBytes = byKey.get('');
  if (headerBytes === undefined) {
    throw new FormatError(source.name, 'header', 'is a table without the header of a checkpoint');
  }
  const header = parse('', () => readBundleHeader(headerBytes));
  const tensors = new Map<string, BundleTensor>();
  const skipped: SkippedTensor[] = [];
  for (const [key, value] of byKey) {
    // Slices begin with a zero; they are found through the tensor that they belong to.
    if (key === '' || key.startsWith('\0')) {
      continue;
    }
    const name = nameOf(key);
    const entry = parse(key, () => readBundleEntry(value));
    const sliceOf = (slice: BundleSlice) => {
      const bytes = byKey.get(bundleSliceKey(key, slice));
      return bytes === undefined ? null : parse(key, () => readBundleEntry(bytes));
    };
    const tensor = tensors.has(name) ? 'occurs twice; the first is read' : tensorOf(name, entry, sliceOf, header);
    if (typeof tensor === 'string') {
      skipped.push({ name, reason: tensor });
    } else {
      tensors.set(name, tensor);
    }
  }
  return { tensors, skipped, shards: header.shards };
}

function nameOf(key: string): string {
  const name = Buffer.from(key, 'latin1').toString('utf8');
  return name.endsWith(valueSuffix) && name.length > valueSuffix.length ? name.slice(0, -valueSuffix.length) : name;
}

/** @returns the reason where it is not read */
function tensorOf(
  name: string,
  entry: BundleEntry,
  sliceOf: (slice: BundleSlice) => BundleEntry | null,
  { shards, bigEndian }: { readonly shards: number; readonly bigEndian: boolean },
): BundleTensor | string {
  const { shape } = entry;
  const dtype = types[entry.type];
  if (dtype === undefined) {
    return name === objectGraph ? 'describes the objects, and is no tensor' : `holds ${otherTypes[entry.type] ?? `elements of type ${entry.type}`}, which are not read`;
  }
  const elements = elementsOf(shape);
  if (typeof elements === 'string') {
    return elements;
  }
  const parts: Part[] = [];
  for (const slice of entry.slices) {
    const stored = sliceOf(slice);
    const extent = shape.map((size, axis) => slice[axis]?.length ?? size);
    const start = shape.map((_, axis) => slice[axis]?.start ?? 0);
    if (stored === null || slice.length !== shape.length || extent.some((size, axis) => !(size >= 0 && start[axis]! >= 0 && start[axis]! + size <= shape[axis]!))) {
      return 'is stored in slices, one of which is missing or does not fit its shape';
    }
    parts.push(partOf(stored, extent, start));
  }
  if (parts.length === 0) {
    parts.push(partOf(entry, shape, shape.map(() => 0)));
  }
  const size = bytesOf(dtype);
  let covered = 0;
  for (const part of parts) {
    const needed = part.shape.reduce((product, extent) => product * extent, size);
    covered += needed;
    if (part.bytes !== needed) {
      return `${dtype} of shape [${part.shape.join(', ')}] needs ${needed} bytes, but it has ${part.bytes}`;
    }
    if (!(part.shard >= 0 && part.shard < shards) || part.offset < 0) {
      return `is said to be at byte ${part.offset} of data file ${part.shard}, of which there are ${shards}`;
    }
  }
  const bytes = elements * size;
  return covered === bytes ? { name, shape, dtype, bytes, elements, bigEndian, parts } : `its slices hold ${covered} bytes, but it needs ${bytes}`;
}

function partOf({ shard, offset, bytes, checksum }: BundleEntry, shape: readonly number[], start: readonly number[]): Part {
  return { shard, offset, bytes, checksum, shape, start };
}

async function feedParts(tensor: BundleTensor, shardOf: (shard: number) => Promise<ByteSource>, push: (bytes: Uint8Array) => void): Promise<void> {
  const { parts, shape, bytes, dtype, name } = tensor;
  const single = parts.length === 1 ? parts[0]! : null;
  if (single !== null) {
    await feedPart(name, await shardOf(single.shard), single, push);
    return;
  }
  // Slices along any axis: put together in memory first.
  const whole = new Uint8Array(bytes);
  for (const part of parts) {
    const own = new Uint8Array(part.bytes);
    let filled = 0;
    await feedPart(name, await shardOf(part.shard), part, (piece) => {
      own.set(piece, filled);
      filled += piece.length;
    });
    copyBox(own, part, whole, shape, bytesOf(dtype));
  }
  push(whole);
}

async function feedPart(name: string, source: ByteSource, { offset, bytes, checksum }: Part, push: (bytes: Uint8Array) => void): Promise<void> {
  let crc = 0;
  for await (const piece of readPieces(source, offset, bytes)) {
    crc = crc32c(piece, 0, piece.length, crc);
    push(piece);
  }
  if (masked(crc) !== checksum) {
    throw new FormatError(source.name, `tensor ${name}`, 'its checksum (CRC-32C) does not fit its bytes');
  }
}
