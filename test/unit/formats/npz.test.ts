import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/formats';
import { npz } from '../../../src/formats/npz';
import { failure, fixture, npyOf, zipOf, type ZipPart } from './build';

const open = (bytes: Uint8Array) => npz.open(memorySource('a.npz', bytes), () => Promise.reject(new Error('no siblings')));
const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);
const good: ZipPart = { name: 'a.npy', bytes: npyOf("'<f4'", [2], floats(1, 2)) };
const one = (part: Partial<ZipPart>) => zipOf([{ ...good, ...part }]);

describe('an npz file that is wrong', () => {
  it.each([
    ['is no zip archive', Buffer.from('hello, this is not an archive'), 'zip directory', 'End of central directory record signature not found'],
    ['is empty', Buffer.alloc(0), 'zip directory', 'End of central directory record signature not found'],
    ['is cut off in the middle', fixture('probes/types.npz').subarray(0, 4000), 'zip directory', 'End of central directory record signature not found'],
    ['claims more entries than the limit', zip64Claim(500_000n), 'zip directory', 'lists 500000 entries, more than the limit of 100000'],
    ['claims more entries than it has', zipOf([good], 3), 'byte 162', '46 bytes are wanted from here, but the file has only 184'],
    ['has an entry that grows beyond what deflate can do', one({ deflate: true, claim: { bytes: 500_000_000 } }), 'entry a.npy', 'more than deflate can do'],
    ['has an entry that lies outside', one({ claim: { offset: 900_000 } }), 'entry a.npy', 'but the file has only'],
    ['has an entry twice', zipOf([good, good]), 'entry a.npy', 'occurs twice in the archive'],
    ['has entries that share their bytes', zipOf([good, { ...good, name: 'b.npy', claim: { offset: 0 } }]), 'entry b.npy', 'lies inside entry a.npy'],
    ['has an array without signature', one({ bytes: Buffer.from('not an array at all') }), 'entry a.npy', 'does not begin as an array of NumPy does'],
    ['has an array of an unknown version', one({ bytes: withVersion(9) }), 'entry a.npy', 'version 9 of the npy format is unknown'],
    ['has an array that ends inside its header', one({ bytes: good.bytes.subarray(0, 40) }), 'entry a.npy', 'ends inside its header'],
    ['has an array without shape', one({ bytes: npyHeader("{'descr': '<f4', 'fortran_order': False}") }), 'entry a.npy', 'lacks fortran_order or shape'],
    ['has an array without type', one({ bytes: npyHeader("{'fortran_order': False, 'shape': (1,)}") }), 'entry a.npy', 'lacks descr'],
    ['has an array with too few values', one({ bytes: npyOf("'<f4'", [3], floats(1, 2)) }), 'entry a.npy', 'its shape [3] needs 12 bytes, but 8 follow'],
    ['has an array with too many values', one({ bytes: npyOf("'<f4'", [1], floats(1, 2)) }), 'entry a.npy', 'its shape [1] needs 4 bytes, but 8 follow'],
    ['has an array of absurd size', one({ bytes: npyOf("'<f8'", [2 ** 31, 2 ** 31, 4], floats()) }), 'entry a.npy', 'more elements than any memory'],
    ['has an array whose compression is damaged from the start', badBlock(), 'entry a.npy', 'its compressed bytes are damaged (invalid block type)'],
    ['is a Git LFS pointer', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 99\n'), '', 'is a Git LFS pointer'],
  ])('that %s is refused with place and reason', async (_, bytes, place, reason) => {
    const error = await failure(open(bytes));
    expect(error.file).toBe('a.npz');
    expect(error.place).toBe(place);
    expect(error.reason).toContain(reason);
  });

  it.each([
    ['whose checksum is wrong', one({ claim: { crc: 1 } }), 'its checksum (CRC-32) does not fit its bytes'],
    ['whose checksum is wrong after inflating', one({ deflate: true, claim: { crc: 1 } }), 'its checksum (CRC-32) does not fit its bytes'],
    ['whose compressed bytes are damaged', damagedDeflate(), 'its compressed bytes are damaged'],
  ])('with an array %s is listed, and reading the array fails', async (_, bytes, reason) => {
    const file = await open(bytes);
    const error = await failure(file.read('a'));
    expect(error.place).toBe('entry a.npy');
    expect(error.reason).toContain(reason);
  });

  it('with a bomb in it is refused before anything is unpacked', async () => {
    const count = 75_000_000;
    const header = npyOf("'<f4'", [count], floats());
    const bomb = Buffer.concat([header, Buffer.alloc(4 * count)]);
    const before = process.memoryUsage().arrayBuffers;
    const bytes = zipOf([{ name: 'bomb.npy', bytes: bomb, deflate: true }]);
    expect(bytes.length).toBeLessThan(3_000_000);
    const error = await failure(open(bytes));
    expect(error.reason).toMatch(/would grow from \d+ to 300000000 bytes, more than the \d+ allowed: a zip bomb\?/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(350_000_000);
  });
});

describe('an npz file', () => {
  it.each([
    ['encrypted', { claim: { flags: 1 }, bytes: Buffer.concat([good.bytes, Buffer.alloc(12)]) } as Partial<ZipPart>, ''],
    ['compressed by another method', { claim: { method: 14 } }, 'is compressed by method 14'],
    ['of Python objects', { bytes: npyOf("'|O'", [1], Buffer.from([0x80, 4, 0x4e, 0x2e])) }, 'is an array of Python objects (a pickle), which is never unpacked'],
    ['of records', { bytes: npyOf("[('x', '<f4')]", [1], floats(1)) }, 'is an array of records with named fields'],
    ['of bfloat16', { bytes: npyOf("'|V2'", [1], Buffer.alloc(2)) }, 'has the opaque type |V2, as NumPy writes bfloat16'],
    ['of long doubles', { bytes: npyOf("'<f16'", [1], Buffer.alloc(16)) }, 'has the type "<f16", which is not read'],
  ])('with an array %s still gives the others', async (name, part, reason) => {
    if (name === 'encrypted') {
      // yauzl insists on 12 bytes more in an encrypted entry; such an archive is refused as a whole.
      expect((await failure(open(zipOf([{ ...good, ...part }])))).place).toBe('zip directory');
      return;
    }
    const file = await open(zipOf([{ ...good, ...part, name: 'odd.npy' }, { ...good, name: 'fine.npy' }]));
    expect(file.tensors.map((tensor) => tensor.name)).toEqual(['fine']);
    expect(file.skipped?.[0]?.name).toBe('odd');
    expect(file.skipped?.[0]?.reason).toContain(reason);
    expect((await failure(file.read('odd'))).reason).toContain(reason);
    expect((await file.read('fine')).data).toEqual(Float32Array.of(1, 2));
  });

  it('ignores entries that are no arrays and keeps folders in the names', async () => {
    const file = await open(zipOf([{ name: 'README.txt', bytes: Buffer.from('hi') }, { ...good, name: 'block/0.npy' }]));
    expect(file.tensors).toEqual([{ name: 'block/0', shape: [2], dtype: 'F32', bytes: 8 }]);
  });

  it('reads shapes as Python 2 wrote them', async () => {
    const file = await open(one({ bytes: Buffer.concat([npyHeader("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,)}"), floats(1, 2)]) }));
    expect(file.tensors[0]?.shape).toEqual([2]);
  });

  it('reads a long header that takes a second read', async () => {
    const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }${' '.repeat(3000)}\n`;
    for (const deflate of [false, true]) {
      const file = await open(one({ bytes: Buffer.concat([npyHeader(header), floats(3, 4)]), deflate }));
      expect((await file.read('a')).data).toEqual(Float32Array.of(3, 4));
    }
  });

  it('reads a large compressed array piece by piece, with elements torn between pieces', async () => {
    const values = Float32Array.from({ length: 300_000 }, (_, i) => Math.sin(i));
    const file = await open(one({ bytes: npyOf("'<f4'", [300_000], Buffer.from(values.buffer)), deflate: true }));
    const { data } = await file.read('a');
    expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(values.buffer))).toBe(0);
  });
});

function npyHeader(text: string): Buffer {
  const prefix = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  prefix.writeUInt16LE(text.length, 8);
  return Buffer.concat([prefix, Buffer.from(text)]);
}

function withVersion(version: number): Buffer {
  const bytes = Buffer.from(good.bytes);
  bytes[6] = version;
  return bytes;
}

function damagedDeflate(): Buffer {
  const values = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
  const bytes = one({ bytes: npyOf("'<f4'", [5000], Buffer.from(values.buffer)), deflate: true });
  bytes.fill(0xff, 9000, 9040);
  return bytes;
}

function badBlock(): Buffer {
  const bytes = one({ deflate: true });
  bytes[30 + good.name.length] = 0x07;
  return bytes;
}

/** An empty archive whose zip64 directory claims entries. */
function zip64Claim(entries: bigint): Buffer {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(entries, 24);
  record.writeBigUInt64LE(entries, 32);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeUInt32LE(1, 16);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  return Buffer.concat([record, locator, end]);
}
