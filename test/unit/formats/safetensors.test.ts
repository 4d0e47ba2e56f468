import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/formats';
import { safetensors } from '../../../src/formats/safetensors';
import { failure, fixture, safetensorsBytes, safetensorsOf } from './build';

const open = (bytes: Uint8Array) => safetensors.open(memorySource('probes/a.safetensors', bytes), () => Promise.reject(new Error('no siblings')));
const entry = (dtype: string, shape: unknown, begin: unknown, end: unknown) => ({ dtype, shape, data_offsets: [begin, end] });
const four = new Uint8Array(4);

describe('a safetensors file that is wrong', () => {
  it.each([
    ['is shorter than its length prefix', Buffer.from([1, 2, 3]), 'byte 0', 'begins with 8 bytes of header length, but the file has only 3'],
    ['is empty', Buffer.alloc(0), 'byte 0', 'the file has only 0'],
    ['says its header is longer than the file', safetensorsBytes('{}', four, 5000n), 'byte 0', 'the header is said to be 5000 bytes long, but only 6 follow'],
    ['says its header is longer than any memory', safetensorsBytes('{}', four, 2n ** 63n), 'byte 0', 'said to be 9223372036854775808 bytes'],
    ['has a header that is no JSON', safetensorsBytes('{"a":'), 'byte 8', 'the header is not JSON'],
    ['has a header that is a list', safetensorsBytes('[]'), 'byte 8', 'not a JSON object'],
    ['has a header that is no UTF-8', Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0xff, 0xfe])]), 'byte 8', 'not valid UTF-8'],
    ['has a dtype that nobody knows', safetensorsBytes({ a: entry('F7', [1], 0, 4) }, four), 'tensor a', 'its dtype "F7" is unknown'],
    ['has no dtype', safetensorsBytes({ a: { shape: [1], data_offsets: [0, 4] } }, four), 'tensor a', 'its dtype undefined is unknown'],
    ['has a shape that is no list', safetensorsBytes({ a: entry('F32', 4, 0, 4) }, four), 'tensor a', 'its shape is not a list of numbers'],
    ['has a negative axis', safetensorsBytes({ a: entry('F32', [-1], 0, 4) }, four), 'tensor a', 'not a whole number from 0'],
    ['has an axis beyond 2^32', safetensorsBytes({ a: entry('F32', [2 ** 33], 0, 4) }, four), 'tensor a', 'not a whole number from 0 to 2^32'],
    ['has a product of axes that overflows', safetensorsBytes({ a: entry('F32', [2 ** 31, 2 ** 31], 0, 4) }, four), 'tensor a', 'more elements than any memory'],
    ['has a shape that does not fit its bytes', safetensorsBytes({ a: entry('F32', [2], 0, 4) }, four), 'tensor a', 'F32 of shape [2] needs 8 bytes, but its offsets span 4'],
    ['has offsets that run backwards', safetensorsBytes({ a: entry('F32', [1], 4, 0) }, four), 'tensor a', 'its data_offsets [4, 0] are not a range'],
    ['has offsets that are no numbers', safetensorsBytes({ a: entry('F32', [1], '0', '4') }, four), 'tensor a', 'not two numbers'],
    ['has an entry that is no object', safetensorsBytes({ a: 3 }, four), 'tensor a', 'is not an object'],
    ['ends before its values do', safetensorsBytes({ a: entry('F32', [2], 0, 8) }, four), 'tensor a', 'truncated or still being written'],
    [
      'has tensors that overlap',
      safetensorsBytes({ a: entry('F32', [1], 0, 4), b: entry('F32', [1], 2, 6) }, new Uint8Array(6)),
      'tensor b',
      'inside tensor a',
    ],
    ['has a gap between tensors', safetensorsBytes({ a: entry('F32', [1], 2, 6) }, new Uint8Array(6)), 'tensor a', '2 bytes before its values belong to no tensor'],
    ['has bytes after the last tensor', safetensorsBytes({ a: entry('F32', [1], 0, 4) }, new Uint8Array(7)), 'byte 66', '3 bytes after the last tensor'],
    [
      'lists a tensor twice',
      safetensorsBytes('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', four),
      'tensor a',
      'is listed twice in the header',
    ],
    ['has metadata that is a list', safetensorsBytes({ __metadata__: [] }), 'byte 8', '__metadata__ is not an object'],
    [
      'is a Git LFS pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n'),
      '',
      'is a Git LFS pointer, not the file itself (123456 bytes): run "git lfs pull" to fetch it',
    ],
  ])('that %s is refused with place and reason', async (_, bytes, place, reason) => {
    const error = await failure(open(bytes));
    expect(error.file).toBe('probes/a.safetensors');
    expect(error.place).toBe(place);
    expect(error.reason).toContain(reason);
    expect(error.message).toContain('probes/a.safetensors');
  });

  it('is refused when its header is beyond the limit of the format, before it is read', async () => {
    const reads: number[] = [];
    const source = {
      name: 'big.safetensors',
      size: 400_000_000,
      version: '',
      close: () => Promise.resolve(),
      read: (_: number, length: number) => {
        reads.push(length);
        return Promise.resolve(new Uint8Array(safetensorsBytes('{', new Uint8Array(length), 200_000_000n).subarray(0, length)));
      },
    };
    const error = await failure(safetensors.open(source, () => Promise.reject(new Error('no siblings'))));
    expect(error.reason).toContain('more than the limit of 100000000');
    expect(Math.max(...reads)).toBeLessThanOrEqual(1024);
  });

  it('says which tensor does not exist', async () => {
    const error = await failure((await open(safetensorsOf({ a: { shape: [1], values: [1] } }))).read('b'));
    expect(error).toMatchObject({ place: 'tensor b', reason: 'there is no such tensor in the file' });
  });
});

describe('a safetensors file', () => {
  it('is listed without reading values', async () => {
    const bytes = safetensorsOf({ a: { shape: [1000], values: new Array(1000).fill(1) as number[] } });
    const source = memorySource('a.safetensors', bytes);
    let read = 0;
    const counting = { ...source, read: (offset: number, length: number) => ((read += length), source.read(offset, length)) };
    const file = await safetensors.open(counting, () => Promise.reject(new Error('no siblings')));
    expect(file.tensors).toEqual([{ name: 'a', shape: [1000], dtype: 'F32', bytes: 4000 }]);
    expect(read).toBeLessThan(1200);
  });

  it('keeps the order of its values, not that of the header', async () => {
    const header = { b: entry('F32', [1], 4, 8), a: entry('F32', [1], 0, 4) };
    const file = await open(safetensorsBytes(header, new Uint8Array(8)));
    expect(file.tensors.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('reads some rows of a tensor, and says which there are', async () => {
    const file = await open(safetensorsOf({ a: { shape: [1, 2], values: [8, 9] }, b: { shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => i) } }));
    expect(await file.readRows?.('b', 1, 2)).toEqual({ name: 'b', shape: [2, 3], dtype: 'F32', data: Float32Array.of(3, 4, 5, 6, 7, 8) });
    expect((await file.readRows?.('b', 4, 0))?.data).toHaveLength(0);
    expect(await failure(file.readRows!('b', 3, 2))).toMatchObject({ place: 'tensor b', reason: 'has 4 rows, not rows 3 to 5' });
    expect((await failure(file.readRows!('c', 0, 1))).reason).toBe('there is no such tensor in the file');
  });

  it('may have no tensors, and metadata that a careless writer left as numbers', async () => {
    const file = await open(safetensorsBytes({ __metadata__: { epoch: 3, note: 'x' } }));
    expect(file.tensors).toEqual([]);
    expect(file.metadata).toEqual({ epoch: '3', note: 'x' });
  });

  it('may name tensors like properties of every object', async () => {
    const bytes = safetensorsBytes('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"toString":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}}', new Uint8Array(5));
    const file = await open(bytes);
    expect(file.tensors.map(({ name }) => name)).toEqual(['__proto__', 'toString']);
    expect((await file.read('__proto__')).data).toEqual(new Float32Array(1));
  });

  it('reads a tensor that is larger than one piece', async () => {
    const count = 1_300_000;
    const values = Float32Array.from({ length: count }, (_, i) => i);
    const header = { a: entry('F32', [count], 0, 4 * count) };
    const file = await open(safetensorsBytes(header, new Uint8Array(values.buffer)));
    const { data } = await file.read('a');
    expect(Buffer.compare(Buffer.from(data.buffer), Buffer.from(values.buffer))).toBe(0);
  });

  it('lists a type that is not decoded as skipped and reads the others', async () => {
    const file = await open(fixture('probes/float4.safetensors'));
    expect(file.skipped).toEqual([{ name: 'packed', reason: 'its type F4 is not decoded' }]);
    expect((await failure(file.read('packed'))).reason).toBe('its type F4 is not decoded');
    expect((await file.read('plain')).data).toEqual(Float32Array.of(1, 2));
  });
});
