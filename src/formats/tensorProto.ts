import { bfloat16, float16 } from './decode';
import type { ProtobufCursor } from './protobuf';

type ReadNumber = (view: DataView, at: number) => number;

/** Types that hold one real number: bytes of one, and how they are read (tensorflow/core/framework/types.proto). */
const types: ReadonlyMap<number, readonly [bytes: number, read: ReadNumber]> = new Map([
  [1, [4, (view, at) => view.getFloat32(at, true)]],
  [2, [8, (view, at) => view.getFloat64(at, true)]],
  [3, [4, (view, at) => view.getInt32(at, true)]],
  [4, [1, (view, at) => view.getUint8(at)]],
  [5, [2, (view, at) => view.getInt16(at, true)]],
  [6, [1, (view, at) => view.getInt8(at)]],
  [9, [8, (view, at) => Number(view.getBigInt64(at, true))]],
  [10, [1, (view, at) => view.getUint8(at)]],
  [14, [2, (view, at) => bfloat16(view.getUint16(at, true))]],
  [17, [2, (view, at) => view.getUint16(at, true)]],
  [19, [2, (view, at) => float16(view.getUint16(at, true))]],
  [22, [4, (view, at) => view.getUint32(at, true)]],
  [23, [8, (view, at) => Number(view.getBigUint64(at, true))]],
]);
/** The two whose `half_val` holds bits, not a number. */
const halfTypes: ReadonlyMap<number, (bits: number) => number> = new Map([[14, bfloat16], [19, float16]]);

/**
 * The number in a TensorProto that holds exactly one (any rank), from the cursor's place to `end`; null when it holds more, none or no number.
 * The cursor is left at `end`. tensorflow/core/framework/tensor.proto
 * @throws {MalformedMessage}
 */
export function readScalarTensor(cursor: ProtobufCursor, end: number): number | null {
  const outerEnd = cursor.end;
  cursor.end = end;
  let type = 0;
  let isSingle = true;
  let contentStart = -1;
  let contentEnd = -1;
  let value: number | null = null;
  let count = 0;
  while (cursor.at < end) {
    const key = cursor.varint();
    switch (key) {
      case 0x08:
        type = cursor.varint();
        break;
      case 0x12:
        isSingle = readsAsOne(cursor);
        break;
      case 0x22:
        contentEnd = cursor.lengthDelimited();
        contentStart = cursor.at;
        cursor.at = contentEnd;
        break;
      default: {
        const read = readerOf(key >>> 3);
        if (read === null) {
          cursor.skip(key);
          break;
        }
        // Repeated numbers are packed into one field, or written one by one.
        const last = (key & 7) === 2 ? cursor.lengthDelimited() : cursor.at + 1;
        while (cursor.at < last) {
          value = read(cursor);
          count++;
        }
      }
    }
  }
  cursor.end = outerEnd;
  cursor.at = end;
  if (!isSingle || count > 1) {
    return null;
  }
  const [size, read] = types.get(type) ?? [-1, null];
  if (read === null) {
    return null;
  }
  if (contentEnd > contentStart) {
    return contentEnd - contentStart === size ? read(cursor.view, contentStart) : null;
  }
  // proto3 leaves zeros out.
  return halfTypes.get(type)?.((value ?? 0) & 0xffff) ?? value ?? 0;
}

/** TensorShapeProto: whether the product of its dimensions is 1. */
function readsAsOne(cursor: ProtobufCursor): boolean {
  const end = cursor.lengthDelimited();
  let isOne = true;
  while (cursor.at < end) {
    const key = cursor.varint();
    if (key !== 0x12) {
      cursor.skip(key);
      continue;
    }
    const dimensionEnd = cursor.lengthDelimited();
    let size = 0;
    while (cursor.at < dimensionEnd) {
      const inner = cursor.varint();
      if (inner === 0x08) size = cursor.int64();
      else cursor.skip(inner);
    }
    isOne &&= size === 1;
  }
  return isOne;
}

/** float_val, double_val, int_val, int64_val, bool_val, half_val, uint32_val, uint64_val. */
function readerOf(field: number): ((cursor: ProtobufCursor) => number) | null {
  switch (field) {
    case 5:
      return (cursor) => cursor.float();
    case 6:
      return (cursor) => cursor.double();
    case 7:
    case 10:
    case 11:
    case 13:
      return (cursor) => cursor.int64();
    case 16:
    case 17:
      return (cursor) => cursor.varint();
    default:
      return null;
  }
}
