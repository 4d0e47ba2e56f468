import { readVarint } from './protobufRanges';

/**
 * Undoes Snappy (github.com/google/snappy, format_description.txt).
 * snappyjs would do, but a negative length makes it run in circles for ever.
 * @throws {RangeError} when the bytes are damaged or would become more than `most`
 */
export function uncompressSnappy(bytes: Uint8Array, most: number): Uint8Array {
  const header = readVarint(bytes, 0, Math.min(bytes.length, 5));
  if (header === null || header.value > BigInt(most)) {
    throw new RangeError('is not compressed as Snappy does, or too large');
  }
  const result = new Uint8Array(Number(header.value));
  let to = 0;
  const number = (at: number, size: number) => {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? NaN);
    return value;
  };
  for (let at = header.end; at < bytes.length; ) {
    const tag = bytes[at++]!;
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind === 0) {
      if (length > 60) {
        const size = length - 60;
        length = number(at, size) + 1;
        at += size;
      }
      if (!(at + length <= bytes.length && to + length <= result.length)) {
        throw new RangeError('its compressed bytes are damaged (Snappy)');
      }
      result.set(bytes.subarray(at, at + length), to);
      at += length;
      to += length;
      continue;
    }
    let offset: number;
    if (kind === 1) {
      length = ((tag >> 2) & 7) + 4;
      offset = ((tag >> 5) << 8) | (bytes[at] ?? NaN);
      at += 1;
    } else {
      const size = kind === 2 ? 2 : 4;
      offset = number(at, size);
      at += size;
    }
    if (!(offset > 0 && offset <= to && to + length <= result.length)) {
      throw new RangeError('its compressed bytes are damaged (Snappy)');
    }
    for (let i = 0; i < length; i++, to++) {
      result[to] = result[to - offset]!;
    }
  }
  if (to !== result.length) {
    throw new RangeError('its compressed bytes end too early (Snappy)');
  }
  return result;
}
