import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';
import { readTree } from './hdf5Heaps';

/** A dataset of more chunks could not be listed in the memory that one tensor may take. */
const mostChunks = 4_000_000;
/** The oldest B-trees have at least two children a node. */
const deepestTree = 32;

/** Where one chunk lies, and which part of the dataset it is: `place` counts chunks, not elements, along each axis. */
export interface Chunk {
  readonly place: readonly number[];
  readonly address: number;
  readonly bytes: number;
  /** Filters that were left out, as bits. */
  readonly mask: number;
}

/** The way in which a dataset remembers where its chunks are. */
export type ChunkIndex =
  | { readonly kind: 'oldTree'; readonly address: number | null }
  | { readonly kind: 'single'; readonly address: number | null; readonly bytes: number; readonly mask: number }
  | { readonly kind: 'implicit'; readonly address: number | null }
  | { readonly kind: 'fixedArray' | 'extensibleArray' | 'tree'; readonly address: number | null };

export interface ChunkGrid {
  readonly shape: readonly number[];
  /** How far the axes may grow. */
  readonly largest: readonly number[];
  readonly chunk: readonly number[];
  /** Bytes of a chunk before the filters. */
  readonly bytes: number;
  readonly isFiltered: boolean;
}

/** All chunks that were ever written; those that were not hold the fill value. */
export async function listChunks(file: Hdf5Bytes, index: ChunkIndex, grid: ChunkGrid): Promise<Chunk[]> {
  const { address } = index;
  if (address === null) {
    return [];
  }
  const counts = grid.shape.map((size, axis) => Math.ceil(size / grid.chunk[axis]!));
  const places = counts.reduce((product, count) => product * count, 1);
  const chunks: Chunk[] = [];
  const add = (place: readonly number[], at: number, bytes: number, mask: number) => {
    if (chunks.push({ place, address: at, bytes, mask }) > Math.min(places, mostChunks)) {
      throw new RangeError(`lists more than ${Math.min(places, mostChunks)} chunks`);
    }
  };
  /** A chunk by its number along the axes as they may grow. */
  const addNumbered = (number: number, order: readonly number[], entry: Hdf5Cursor, entryBytes: number) => {
    const at = entry.address();
    const bytes = grid.isFiltered ? entry.unsigned(entryBytes - file.offsetSize - 4) : grid.bytes;
    const mask = grid.isFiltered ? entry.u32() : 0;
    const place = placeOf(number, order, grid);
    if (at !== null && place.every((value, axis) => value < counts[axis]!)) add(place, at, bytes, mask);
  };
  const order = grid.shape.map((_, axis) => axis);
  switch (index.kind) {
    case 'single':
      add(order.map(() => 0), address, grid.isFiltered ? index.bytes : grid.bytes, index.mask);
      break;
    case 'implicit':
      for (let number = 0; number < growthOf(grid) && chunks.length < places; number++) {
        const place = placeOf(number, order, grid);
        if (place.every((value, axis) => value < counts[axis]!)) add(place, address + number * grid.bytes, grid.bytes, 0);
      }
      break;
    case 'oldTree':
      await oldTree(file, address, grid, add);
      break;
    case 'tree':
      for await (const record of readTree(file, address, grid.isFiltered ? 11 : 10)) {
        const at = record.definedAddress();
        const bytes = grid.isFiltered ? record.unsigned(record.left - 4 - 8 * grid.shape.length) : grid.bytes;
        const mask = grid.isFiltered ? record.u32() : 0;
        add(order.map(() => record.unsigned(8)), at, bytes, mask);
      }
      break;
    case 'fixedArray':
      await fixedArray(file, address, growthOf(grid), (number, entry, bytes) => addNumbered(number, order, entry, bytes));
      break;
    case 'extensibleArray': {
      // The axis without an end is the slowest.
      const endless = grid.largest.indexOf(Infinity);
      const swizzled = [endless, ...order.filter((axis) => axis !== endless)];
      await extensibleArray(file, address, (number, entry, bytes) => addNumbered(number, swizzled, entry, bytes));
    }
  }
  return chunks;
}

/** How many chunks the axes have when they are fully grown. */
function growthOf({ largest, chunk }: ChunkGrid): number {
  return largest.reduce((product, size, axis) => product * Math.ceil(size / chunk[axis]!), 1);
}

/** @param order axes, slowest first */
function placeOf(number: number, order: readonly number[], { largest, chunk }: ChunkGrid): number[] {
  const place = new Array<number>(order.length).fill(0);
  let rest = number;
  for (let i = order.length - 1; i > 0; i--) {
    const axis = order[i]!;
    const count = Math.ceil(largest[axis]! / chunk[axis]!);
    place[axis] = rest % count;
    rest = Math.floor(rest / count);
  }
  place[order[0]!] = rest;
  return place;
}

/** B-tree of version 1 whose keys are places in the dataset (specification, III.A.1). */
async function oldTree(file: Hdf5Bytes, root: number, grid: ChunkGrid, add: (place: number[], at: number, bytes: number, mask: number) => void): Promise<void> {
  const rank = grid.shape.length;
  const keyBytes = 8 + 8 * (rank + 1);
  const visit = async (address: number, depth: number): Promise<void> => {
    const head = await file.signed(address, 8, 'TREE');
    const type = head.u8();
    const level = head.u8();
    const count = head.u16();
    if (type !== 1 || depth > deepestTree) {
      throw head.fail('the B-tree of chunks is damaged here');
    }
    const node = await file.at(address + 8 + 2 * file.offsetSize, count * (keyBytes + file.offsetSize));
    for (let i = 0; i < count; i++) {
      const bytes = node.u32();
      const mask = node.u32();
      const place = grid.chunk.map((size) => node.unsigned(8) / size);
      node.skip(8);
      const child = node.definedAddress();
      if (level > 0) await visit(child, depth + 1);
      else add(place, child, bytes, mask);
    }
  };
  await visit(root, 0);
}

type TakeEntry = (number: number, entry: Hdf5Cursor, entryBytes: number) => void;

/** Specification, VII.D. */
async function fixedArray(file: Hdf5Bytes, address: number, growth: number, take: TakeEntry): Promise<void> {
  const header = await file.checked(address, 8 + file.lengthSize + file.offsetSize + 4, 'FAHD');
  header.skip(2);
  const entryBytes = header.u8();
  const pageEntries = 2 ** header.u8();
  const count = header.length();
  const block = header.address();
  if (block === null) {
    return;
  }
  if (count > Math.min(growth, mostChunks) || entryBytes === 0) {
    throw header.fail(`the list of chunks has ${count} entries, more than there are chunks`);
  }
  const prefix = 6 + file.offsetSize;
  if (count <= pageEntries) {
    const cursor = await file.checked(block, prefix + count * entryBytes + 4, 'FADB');
    cursor.skip(prefix - 4);
    for (let i = 0; i < count; i++) take(i, cursor.part(entryBytes), entryBytes);
    return;
  }
  const pages = Math.ceil(count / pageEntries);
  const bitmapBytes = Math.ceil(pages / 8);
  const cursor = await file.checked(block, prefix + bitmapBytes + 4, 'FADB');
  cursor.skip(prefix - 4);
  const bitmap = cursor.part(bitmapBytes).bytes;
  let at = block + prefix + bitmapBytes + 4;
  for (let page = 0; page < pages; page++) {
    const entries = Math.min(pageEntries, count - page * pageEntries);
    if (isSet(bitmap, page)) await entriesAt(file, at, page * pageEntries, entries, entryBytes, take);
    at += pageEntries * entryBytes + 4;
  }
}

/** Specification, VII.E: some entries in the index block, then data blocks of growing size, later ones through super blocks. */
async function extensibleArray(file: Hdf5Bytes, address: number, take: TakeEntry): Promise<void> {
  const { offsetSize, lengthSize } = file;
  const header = await file.checked(address, 12 + 6 * lengthSize + offsetSize + 4, 'EAHD');
  header.skip(2);
  const entryBytes = header.u8();
  const bits = header.u8();
  const ownEntries = header.u8();
  const leastEntries = header.u8();
  const leastPointers = header.u8();
  const pageEntries = 2 ** header.u8();
  header.skip(4 * lengthSize);
  const used = header.length();
  header.skip(lengthSize);
  const block = header.address();
  if (block === null) {
    return;
  }
  if (used > mostChunks || bits > 64 || leastEntries === 0 || leastPointers < 2 || entryBytes === 0) {
    throw header.fail('the list of chunks is damaged here');
  }
  const superBlocks = 1 + bits - Math.log2(leastEntries);
  const directSuperBlocks = Math.min(superBlocks, 2 * Math.log2(leastPointers));
  const blockOffset = Math.ceil(bits / 8);
  const directBlocks = 2 * (leastPointers - 1);
  const cursor = await file.checked(
    block,
    6 + offsetSize + ownEntries * entryBytes + (directBlocks + superBlocks - directSuperBlocks) * offsetSize + 4,
    'EAIB',
  );
  cursor.skip(2 + offsetSize);
  let number = 0;
  for (; number < ownEntries; number++) {
    const entry = cursor.part(entryBytes);
    if (number < used) take(number, entry, entryBytes);
  }
  const dataBlock = async (at: number | null, entries: number, initialized: Uint8Array | null) => {
    const start = number;
    number += entries;
    if (at === null || start >= used) {
      return;
    }
    const prefix = 6 + offsetSize + blockOffset;
    if (initialized === null) {
      const data = await file.checked(at, prefix + entries * entryBytes + 4, 'EADB');
      data.skip(prefix - 4);
      for (let i = 0; i < entries; i++) take(start + i, data.part(entryBytes), entryBytes);
      return;
    }
    for (let page = 0; page * pageEntries < entries; page++) {
      const from = at + prefix + 4 + page * (pageEntries * entryBytes + 4);
      if (isSet(initialized, page)) await entriesAt(file, from, start + page * pageEntries, pageEntries, entryBytes, take);
    }
  };
  for (let index = 0; index < superBlocks && number < used; index++) {
    const blocks = 2 ** Math.floor(index / 2);
    const entries = 2 ** Math.ceil(index / 2) * leastEntries;
    if (index < directSuperBlocks) {
      for (let i = 0; i < blocks; i++) await dataBlock(cursor.address(), entries, null);
      continue;
    }
    const at = cursor.address();
    if (at === null) {
      number += blocks * entries;
      continue;
    }
    const bitmapBytes = entries > pageEntries ? Math.ceil(entries / pageEntries / 8) : 0;
    const superBlock = await file.checked(at, 6 + offsetSize + blockOffset + blocks * (bitmapBytes + offsetSize) + 4, 'EASB');
    superBlock.skip(2 + offsetSize + blockOffset);
    const bitmaps = Array.from({ length: blocks }, () => superBlock.part(bitmapBytes).bytes);
    for (const bitmap of bitmaps) await dataBlock(superBlock.address(), entries, bitmapBytes > 0 ? bitmap : null);
  }
}

async function entriesAt(file: Hdf5Bytes, address: number, first: number, count: number, entryBytes: number, take: TakeEntry): Promise<void> {
  const cursor = await file.at(address, count * entryBytes + 4);
  cursor.verify(count * entryBytes + 4);
  for (let i = 0; i < count; i++) take(first + i, cursor.part(entryBytes), entryBytes);
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return ((bitmap[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}
