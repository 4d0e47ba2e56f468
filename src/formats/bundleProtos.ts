import { MalformedMessage, ProtobufCursor } from './protobuf';
import { mostDimensions } from './shape';

/** tensorflow/core/protobuf/tensor_bundle.proto */
export interface BundleHeader {
  readonly shards: number;
  readonly bigEndian: boolean;
}

export interface BundleEntry {
  readonly type: number;
  readonly shape: readonly number[];
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
  readonly checksum: number;
  readonly slices: readonly BundleSlice[];
}

/** Part of every axis; no length means all of it. */
export type BundleSlice = readonly { readonly start: number; readonly length: number | null }[];

/** BundleHeaderProto: num_shards = 1, endianness = 2. */
export function readBundleHeader(bytes: Uint8Array): BundleHeader {
  const header = { shards: 0, bigEndian: false };
  eachField(cursorOf(bytes), bytes.length, (cursor, key) => {
    if (key === 0x08) header.shards = cursor.int64();
    else if (key === 0x10) header.bigEndian = cursor.varint() === 1;
    else cursor.skip(key);
  });
  return header;
}

/** BundleEntryProto: dtype = 1, shape = 2, shard_id = 3, offset = 4, size = 5, crc32c = 6, slices = 7. */
export function readBundleEntry(bytes: Uint8Array): BundleEntry {
  const entry = { type: 0, shape: [] as readonly number[], shard: 0, offset: 0, bytes: 0, checksum: 0, slices: [] as BundleSlice[] };
  eachField(cursorOf(bytes), bytes.length, (cursor, key) => {
    switch (key) {
      case 0x08:
        entry.type = cursor.varint();
        break;
      case 0x12:
        entry.shape = extentsOf(cursor).map(({ start }) => start);
        break;
      case 0x18:
        entry.shard = cursor.int64();
        break;
      case 0x20:
        entry.offset = cursor.int64();
        break;
      case 0x28:
        entry.bytes = cursor.int64();
        break;
      case 0x35:
        entry.checksum = fixed32(cursor);
        break;
      case 0x3a:
        entry.slices.push(extentsOf(cursor));
        break;
      default:
        cursor.skip(key);
    }
  });
  return entry;
}

/** TensorSliceProto: extent = 1, of start = 1 and length = 2. TensorShapeProto has the same form: dim = 2, of size = 1. */
function extentsOf(cursor: ProtobufCursor): BundleSlice {
  const extents: { start: number; length: number | null }[] = [];
  eachField(cursor, cursor.lengthDelimited(), (outer, key) => {
    if (key !== 0x0a && key !== 0x12) {
      outer.skip(key);
      return;
    }
    const extent: { start: number; length: number | null } = { start: 0, length: null };
    eachField(outer, outer.lengthDelimited(), (inner, innerKey) => {
      if (innerKey === 0x08) extent.start = inner.int64();
      else if (innerKey === 0x10) extent.length = inner.int64();
      else inner.skip(innerKey);
    });
    if (extents.push(extent) > mostDimensions) {
      throw new MalformedMessage(`its shape has more than ${mostDimensions} axes`);
    }
  });
  return extents;
}

/** The key of a slice's own entry (tensorflow/core/util/saved_tensor_slice_util.cc): 0, name, rank, then start and length of every axis, in ordered code. */
export function bundleSliceKey(name: string, slice: BundleSlice): string {
  const escaped = name.replace(/[\0\xff]/g, (byte) => (byte === '\0' ? '\0\xff' : '\xff\0'));
  const rank = slice.length === 0 ? '\0' : `\x01${String.fromCharCode(slice.length)}`;
  const axes = slice.map(({ start, length }) => signedOrdered(start) + signedOrdered(length ?? -1));
  return `\0${escaped}\0\x01${rank}${axes.join('')}`;
}

/** OrderedCode::WriteSignedNumIncreasing: as many leading ones as there are bytes, then the number, most significant byte first. */
function signedOrdered(value: number): string {
  const magnitude = BigInt(value < 0 ? -(value + 1) : value);
  const bits = magnitude === 0n ? 0 : magnitude.toString(2).length;
  const length = Math.floor(bits / 7) + 1;
  const number = BigInt.asUintN(8 * length, BigInt(value));
  // A negative number has zeros instead of the ones: exclusive or with its sign bits.
  const header = ((1n << BigInt(length)) - 1n) << BigInt(7 * length);
  const bytes = BigInt.asUintN(8 * length, number ^ header);
  return Buffer.from(bytes.toString(16).padStart(2 * length, '0'), 'hex').toString('latin1');
}

function eachField(cursor: ProtobufCursor, end: number, take: (cursor: ProtobufCursor, key: number) => void): void {
  const outer = cursor.end;
  cursor.end = end;
  while (cursor.at < end) {
    take(cursor, cursor.varint());
  }
  cursor.end = outer;
}

function fixed32(cursor: ProtobufCursor): number {
  const at = cursor.at;
  cursor.skip(5);
  return cursor.view.getUint32(at, true);
}

function cursorOf(bytes: Uint8Array): ProtobufCursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cursor = new ProtobufCursor(bytes, view);
  cursor.enter(bytes, view, 0, bytes.length);
  return cursor;
}
