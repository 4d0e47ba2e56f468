import { copyBox } from './boxes';
import { listChunks, type Chunk, type ChunkIndex } from './hdf5Chunks';
import type { Hdf5Bytes, Hdf5Cursor } from './hdf5Bytes';
import { undoFilters, type Filter } from './hdf5Filters';
import type { Dataspace } from './hdf5Types';
import { readPieces } from './pieces';

/** Where the values of a dataset lie. */
export type Layout =
  | { readonly kind: 'compact'; readonly bytes: Uint8Array }
  | { readonly kind: 'contiguous'; readonly address: number | null; readonly bytes: number }
  | { readonly kind: 'chunked'; readonly chunk: readonly number[]; readonly index: ChunkIndex }
  | { readonly kind: 'other'; readonly reason: string };

/** A data layout message (specification, IV.A.2.i). */
export function readLayout(cursor: Hdf5Cursor): Layout {
  const version = cursor.u8();
  switch (version) {
    case 1:
    case 2:
      return oldLayout(cursor);
    case 3:
    case 4:
      return newLayout(cursor, version);
    default:
      return { kind: 'other', reason: `has a data layout of version ${version}, which is not read` };
  }
}

function oldLayout(cursor: Hdf5Cursor): Layout {
  const rank = cursor.u8();
  const layoutClass = cursor.u8();
  cursor.skip(5);
  const address = layoutClass === 0 ? null : cursor.address();
  const sizes = Array.from({ length: rank }, () => cursor.u32());
  switch (layoutClass) {
    case 0:
      return { kind: 'compact', bytes: cursor.part(cursor.u32()).bytes };
    case 1:
      return { kind: 'contiguous', address, bytes: sizes.reduce((product, size) => product * size, 1) };
    case 2:
      return { kind: 'chunked', chunk: sizes.slice(0, -1), index: { kind: 'oldTree', address } };
    default:
      throw cursor.fail(`layout class ${layoutClass} is unknown`);
  }
}

function newLayout(cursor: Hdf5Cursor, version: number): Layout {
  const layoutClass = cursor.u8();
  switch (layoutClass) {
    case 0:
      return { kind: 'compact', bytes: cursor.part(cursor.u16()).bytes };
    case 1:
      return { kind: 'contiguous', address: cursor.address(), bytes: cursor.length() };
    case 2:
      break;
    case 3:
      return { kind: 'other', reason: 'is a virtual dataset: its values are in other files' };
    default:
      throw cursor.fail(`layout class ${layoutClass} is unknown`);
  }
  if (version === 3) {
    const rank = cursor.u8();
    const address = cursor.address();
    return { kind: 'chunked', chunk: Array.from({ length: rank }, () => cursor.u32()).slice(0, -1), index: { kind: 'oldTree', address } };
  }
  const flags = cursor.u8();
  const rank = cursor.u8();
  const sizeBytes = cursor.u8();
  const chunk = Array.from({ length: rank }, () => cursor.unsigned(sizeBytes)).slice(0, -1);
  return { kind: 'chunked', chunk, index: chunkIndex(cursor, flags) };
}

function chunkIndex(cursor: Hdf5Cursor, flags: number): ChunkIndex {
  const type = cursor.u8();
  switch (type) {
    case 1: {
      const isFiltered = (flags & 2) !== 0;
      const bytes = isFiltered ? cursor.length() : 0;
      const mask = isFiltered ? cursor.u32() : 0;
      return { kind: 'single', bytes, mask, address: cursor.address() };
    }
    case 2:
      return { kind: 'implicit', address: cursor.address() };
    case 3:
      cursor.skip(1);
      return { kind: 'fixedArray', address: cursor.address() };
    case 4:
      cursor.skip(5);
      return { kind: 'extensibleArray', address: cursor.address() };
    case 5:
      cursor.skip(6);
      return { kind: 'tree', address: cursor.address() };
    default:
      throw cursor.fail(`chunk index ${type} is unknown`);
  }
}

export interface StoredValues {
  readonly layout: Exclude<Layout, { kind: 'other' }>;
  readonly space: Dataspace;
  readonly elementBytes: number;
  readonly filters: readonly Filter[];
  /** One element, for what was never written; null means zeros. */
  readonly fill: Uint8Array | null;
}

/** Hands over the bytes of a dataset in row-major order. */
export async function feedValues(file: Hdf5Bytes, values: StoredValues, push: (bytes: Uint8Array) => void): Promise<void> {
  const { layout, space, elementBytes } = values;
  const bytes = space.elements * elementBytes;
  switch (layout.kind) {
    case 'compact':
      push(layout.bytes.subarray(0, bytes));
      return;
    case 'contiguous':
      if (layout.address === null) {
        pushFill(values, bytes, push);
        return;
      }
      for await (const piece of readPieces(file.source, file.base + layout.address, bytes)) push(piece);
      return;
    case 'chunked':
      if (bytes > 0) await feedChunks(file, layout.chunk, layout.index, values, push);
  }
}

/** Fill values in pieces, so that they are never in memory beside the tensor as a whole. */
function pushFill({ fill, elementBytes }: StoredValues, bytes: number, push: (bytes: Uint8Array) => void): void {
  const piece = new Uint8Array(Math.min(bytes, 65536 * elementBytes));
  fillWith(piece, fill);
  for (let done = 0; done < bytes; done += piece.length) {
    push(piece.subarray(0, Math.min(piece.length, bytes - done)));
  }
}

function fillWith(target: Uint8Array, element: Uint8Array | null): void {
  if (element === null || element.length === 0) {
    target.fill(0);
    return;
  }
  for (let at = 0; at + element.length <= target.length; at += element.length) {
    target.set(element, at);
  }
}

/** A band is as high as a chunk and as wide as the dataset: the most that is in memory beside the tensor. */
async function feedChunks(file: Hdf5Bytes, chunk: readonly number[], index: ChunkIndex, values: StoredValues, push: (bytes: Uint8Array) => void): Promise<void> {
  const { space, elementBytes, filters, fill } = values;
  const { shape } = space;
  const chunkBytes = chunk.reduce((product, size) => product * size, elementBytes);
  const grid = { shape, largest: space.largest, chunk, bytes: chunkBytes, isFiltered: filters.length > 0 };
  const bands = new Map<number, Chunk[]>();
  for (const found of await listChunks(file, index, grid)) {
    if (found.place.some((place, axis) => !Number.isInteger(place) || place * chunk[axis]! >= shape[axis]!)) {
      throw new RangeError(`has a chunk at [${found.place.join(', ')}], outside of its shape`);
    }
    const band = bands.get(found.place[0]!) ?? [];
    band.push(found);
    bands.set(found.place[0]!, band);
  }
  const rowBytes = shape.slice(1).reduce((product, size) => product * size, elementBytes);
  const height = Math.min(chunk[0]!, shape[0]!);
  const whole = new Uint8Array(height * rowBytes);
  for (let first = 0, number = 0; first < shape[0]!; first += height, number++) {
    const rows = Math.min(height, shape[0]! - first);
    const band = whole.subarray(0, rows * rowBytes);
    fillWith(band, fill);
    for (const { address, bytes, mask, place } of bands.get(number) ?? []) {
      const stored = await file.source.read(file.base + address, bytes);
      const start = place.map((value, axis) => (axis === 0 ? 0 : value * chunk[axis]!));
      copyBox(undoFilters(stored, filters, mask, chunkBytes), { shape: chunk, start }, band, [rows, ...shape.slice(1)], elementBytes);
    }
    push(band);
  }
}
