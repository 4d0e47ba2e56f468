/** CRC-32C (Castagnoli), reflected polynomial 0x82f63b78, as TFRecord files use it (RFC 3720, appendix B.4). */
const polynomial = 0x82f63b78;

/** Eight tables of 256: slicing-by-8 (Kounavis and Berry 2005). A native function would cost more to call than a record of 50 bytes takes here. */
const tables = makeTables();

/** CRC-32C of `bytes` from `start` to `end`, as an unsigned 32-bit number; `before` is that of the bytes that come before them. */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  let at = start;
  for (const last = end - 8; at <= last; at += 8) {
    crc =
      tables[1792 + ((crc ^ bytes[at]!) & 0xff)]! ^
      tables[1536 + (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      tables[1280 + (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      tables[1024 + ((crc >>> 24) ^ bytes[at + 3]!)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  if (at <= end - 4) {
    crc =
      tables[768 + ((crc ^ bytes[at]!) & 0xff)]! ^
      tables[512 + (((crc >>> 8) ^ bytes[at + 1]!) & 0xff)]! ^
      tables[256 + (((crc >>> 16) ^ bytes[at + 2]!) & 0xff)]! ^
      tables[(crc >>> 24) ^ bytes[at + 3]!]!;
    at += 4;
  }
  for (; at < end; at++) {
    crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!;
  }
  return ~crc >>> 0;
}

/** As TFRecord stores it: rotated and shifted, so that a checksum of data that holds checksums stays a good one (tensorflow/core/lib/hash/crc32c.h). */
export function maskedCrc32c(bytes: Uint8Array, start: number, end: number): number {
  return masked(crc32c(bytes, start, end));
}

export function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function makeTables(): Int32Array {
  const all = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    }
    all[byte] = crc;
  }
  for (let slice = 1; slice < 8; slice++) {
    for (let byte = 0; byte < 256; byte++) {
      const before = all[(slice - 1) * 256 + byte]!;
      all[slice * 256 + byte] = (before >>> 8) ^ all[before & 0xff]!;
    }
  }
  return all;
}
