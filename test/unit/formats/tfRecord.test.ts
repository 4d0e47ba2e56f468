import { describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../src/formats/crc32c';
import { TfRecordReader } from '../../../src/formats/tfRecord';

function framed(data: Buffer, length = BigInt(data.length)): Buffer {
  const bytes = Buffer.alloc(data.length + 16);
  bytes.writeBigUInt64LE(length, 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes, 0, 8), 8);
  data.copy(bytes, 12);
  bytes.writeUInt32LE(maskedCrc32c(data, 0, data.length), 12 + data.length);
  return bytes;
}

function readerOf() {
  const records: string[] = [];
  const damage: [number, string, boolean][] = [];
  const reader = new TfRecordReader({
    record: (bytes, _, start, end, position) => records.push(`${position}:${Buffer.from(bytes.subarray(start, end)).toString()}`),
    damaged: (...what) => damage.push(what),
  });
  return { reader, records, damage };
}

describe('CRC-32C', () => {
  it('has the values of RFC 3720, appendix B.4, at any offset', () => {
    const cases: [Buffer, number][] = [
      [Buffer.alloc(32), 0x8a9136aa],
      [Buffer.alloc(32, 0xff), 0x62a8ab43],
      [Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
      [Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
      [Buffer.from('123456789'), 0xe3069283],
      [Buffer.alloc(0), 0],
    ];
    for (const [bytes, crc] of cases) {
      expect(crc32c(bytes, 0, bytes.length)).toBe(crc);
      expect(crc32c(Buffer.concat([Buffer.from('abc'), bytes, Buffer.from('x')]), 3, 3 + bytes.length)).toBe(crc);
    }
  });
});

describe('TFRecords', () => {
  const file = Buffer.concat([framed(Buffer.from('first')), framed(Buffer.alloc(0)), framed(Buffer.from('third'))]);

  it('are the same however the bytes come', () => {
    for (let piece = 1; piece <= file.length; piece++) {
      const { reader, records, damage } = readerOf();
      for (let at = 0; at < file.length; at += piece) reader.push(file.subarray(at, at + piece));
      expect(records).toEqual(['0:first', '21:', '37:third']);
      expect(damage).toEqual([]);
      expect(reader.isTorn).toBe(false);
    }
  });

  it('are left out one by one where their own checksum is wrong', () => {
    const { reader, records, damage } = readerOf();
    const wrong = Buffer.from(file);
    wrong[13]! ^= 1;
    reader.push(wrong);
    expect(records).toEqual(['21:', '37:third']);
    expect(damage).toMatchObject([[0, expect.stringContaining('checksum of the record'), true]]);
  });

  it('end where the checksum of a length is wrong', () => {
    const { reader, records, damage } = readerOf();
    const wrong = Buffer.from(file);
    wrong[21]! ^= 1;
    reader.push(wrong);
    reader.push(file);
    expect(records).toEqual(['0:first']);
    expect(damage).toMatchObject([[21, expect.stringContaining('checksum of the length'), false]]);
  });

  it('of more than 256 MB are skipped without being kept', () => {
    const { reader, records, damage } = readerOf();
    const length = 300 * 2 ** 20;
    const header = framed(Buffer.alloc(0), BigInt(length)).subarray(0, 12);
    reader.push(Buffer.concat([header, Buffer.alloc(10)]));
    expect(damage).toMatchObject([[0, expect.stringContaining('larger than 256 MB'), true]]);
    const piece = Buffer.alloc(2 ** 20);
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 300; i++) reader.push(i < 299 ? piece : piece.subarray(0, 2 ** 20 - 10));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
    reader.push(Buffer.concat([Buffer.alloc(4), framed(Buffer.from('behind'))]));
    expect(records).toEqual([`${length + 16}:behind`]);
  });
});
