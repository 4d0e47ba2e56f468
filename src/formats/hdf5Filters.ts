import { inflateSync } from 'node:zlib';
import type { Hdf5Cursor } from './hdf5Bytes';

/** One step of what was done to every chunk when it was written. */
export interface Filter {
  readonly id: number;
  readonly parameters: readonly number[];
}

/** More are written by nobody; HDF5 itself allows 32. */
const mostFilters = 32;
const known: ReadonlyMap<number, string> = new Map([
  [1, 'gzip'], [2, 'shuffle'], [3, 'fletcher32'], [4, 'szip'], [5, 'nbit'], [6, 'scale-offset'], [32000, 'lzf'], [32001, 'Blosc'], [32004, 'LZ4'],
  [32008, 'bitshuffle'], [32013, 'ZFP'], [32015, 'Zstandard'], [32026, 'Blosc2'],
]);
const undone = new Set([1, 2, 3, 32000]);

/** A filter pipeline message (specification, IV.A.2.l). */
export function readFilters(cursor: Hdf5Cursor): Filter[] {
  const version = cursor.u8();
  const count = cursor.u8();
  if ((version !== 1 && version !== 2) || count > mostFilters) {
    throw cursor.fail('the list of filters is damaged');
  }
  if (version === 1) {
    cursor.skip(6);
  }
  return Array.from({ length: count }, () => {
    const id = cursor.u16();
    const nameLength = version === 1 || id >= 256 ? cursor.u16() : 0;
    cursor.skip(2);
    const parameterCount = cursor.u16();
    cursor.skip(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
    const parameters = Array.from({ length: parameterCount }, () => cursor.u32());
    if (version === 1 && parameterCount % 2 === 1) {
      cursor.skip(4);
    }
    return { id, parameters };
  });
}

/** Why chunks with these filters cannot be read, or null. */
export function explainFilters(filters: readonly Filter[]): string | null {
  const strange = filters.find(({ id }) => !undone.has(id));
  return strange === undefined ? null : `is compressed by ${known.get(strange.id) ?? `filter ${strange.id}`}; gzip, lzf, shuffle and fletcher32 are read`;
}

/**
 * The bytes of a chunk as they were before the filters.
 * @param mask a set bit says that the filter of that number was left out for this chunk
 * @param bytes of the whole chunk in the end
 * @throws {RangeError} when it does not come out as it should
 */
export function undoFilters(chunk: Uint8Array, filters: readonly Filter[], mask: number, bytes: number): Uint8Array {
  let current = chunk;
  for (let i = filters.length - 1; i >= 0; i--) {
    if ((mask & (1 << i)) !== 0) {
      continue;
    }
    const { id, parameters } = filters[i]!;
    switch (id) {
      case 1:
        // Filters that were applied before may have added a checksum.
        current = inflate(current, bytes + 4 * filters.length);
        break;
      case 2:
        current = unshuffle(current, parameters[0] ?? 1);
        break;
      case 3:
        current = withoutChecksum(current);
        break;
      default:
        current = lzf(current, bytes + 4 * filters.length);
    }
  }
  if (current.length !== bytes) {
    throw new RangeError(`holds ${current.length} bytes instead of ${bytes}`);
  }
  return current;
}

function inflate(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: most });
  } catch (error) {
    throw new RangeError(`its compressed bytes are damaged (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** All first bytes of the elements, then all second bytes, ... */
function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  if (size <= 1) {
    return bytes;
  }
  const elements = Math.floor(bytes.length / size);
  const result = new Uint8Array(bytes.length);
  for (let part = 0, from = 0; part < size; part++) {
    for (let element = 0, to = part; element < elements; element++, to += size) {
      result[to] = bytes[from++]!;
    }
  }
  result.set(bytes.subarray(elements * size), elements * size);
  return result;
}

/** Fletcher's checksum over big-endian 16-bit words, as H5checksum.c computes it; four bytes at the end. */
function withoutChecksum(bytes: Uint8Array): Uint8Array {
  const length = bytes.length - 4;
  if (length < 0) {
    throw new RangeError('is shorter than its checksum');
  }
  let sum = 0;
  let sumOfSums = 0;
  for (let at = 0; at < length; at += 2) {
    sum = (sum + ((bytes[at]! << 8) | (at + 1 < length ? bytes[at + 1]! : 0))) % 65535;
    sumOfSums = (sumOfSums + sum) % 65535;
  }
  const stored = new DataView(bytes.buffer, bytes.byteOffset + length, 4).getUint32(0, true);
  const same = (a: number, b: number) => a % 65535 === b % 65535;
  if (!same(stored & 0xffff, sum) || !same(stored >>> 16, sumOfSums)) {
    throw new RangeError('its checksum (Fletcher-32) does not fit its bytes');
  }
  return bytes.subarray(0, length);
}

/** LibLZF by Marc Lehmann, as h5py's filter uses it: literal runs and back references. */
function lzf(bytes: Uint8Array, most: number): Uint8Array {
  const result = new Uint8Array(most);
  let to = 0;
  for (let at = 0; at < bytes.length; ) {
    const control = bytes[at++]!;
    if (control < 32) {
      const run = bytes.subarray(at, at + control + 1);
      if (run.length <= control || to + run.length > most) {
        throw new RangeError('its compressed bytes are damaged (lzf)');
      }
      result.set(run, to);
      at += run.length;
      to += run.length;
      continue;
    }
    let length = control >> 5;
    if (length === 7) {
      length += bytes[at++] ?? 0;
    }
    let from = to - ((control & 31) << 8) - (bytes[at++] ?? 0) - 1;
    length += 2;
    if (from < 0 || to + length > most) {
      throw new RangeError('its compressed bytes are damaged (lzf)');
    }
    for (let i = 0; i < length; i++) {
      result[to++] = result[from++]!;
    }
  }
  return result.subarray(0, to);
}
