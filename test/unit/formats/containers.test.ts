import { describe, expect, it } from 'vitest';
import { bundleSliceKey } from '../../../src/formats/bundleProtos';
import { kerasVariableNames, layerNamesOf } from '../../../src/formats/kerasNames';
import { lookup3 } from '../../../src/formats/hdf5Bytes';
import { formats, memorySource, type TensorFormat } from '../../../src/formats';
import { uncompressSnappy } from '../../../src/formats/snappy';
import { failure, fixture } from './build';

const format = (id: string) => formats.find((candidate) => candidate.id === id) as TensorFormat;
const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('Snappy', () => {
  it('repeats what came before, also what it has just written', () => {
    // 11 bytes: literal "ab", then 8 bytes from 2 back (one-byte offset), then literal "!".
    expect(Buffer.from(uncompressSnappy(Buffer.from([11, 0x04, 0x61, 0x62, 0x11, 2, 0x00, 0x21]), 100)).toString()).toBe('abababababa!'.slice(0, 10) + '!');
  });

  it('reads literals whose length takes bytes of its own, and offsets of two and four bytes', () => {
    const text = Buffer.alloc(70, 'x');
    const stream = Buffer.concat([Buffer.from([78, 60 << 2, 69]), text, Buffer.from([(3 << 2) | 2, 70, 0]), Buffer.from([(3 << 2) | 3, 1, 0, 0, 0])]);
    expect(Buffer.from(uncompressSnappy(stream, 100)).toString()).toBe('x'.repeat(78));
  });

  it.each([
    ['more than allowed', [0xff, 0xff, 0x03]],
    ['an offset before the start', [4, 0x01, 1]],
    ['a literal that is cut off', [4, 0x0c, 0x61]],
    ['a literal of 4 GB', [4, 63 << 2, 0xff, 0xff, 0xff, 0xff, 0x61]],
    ['fewer bytes than announced', [4, 0x00, 0x61]],
  ])('refuses %s', (_, bytes) => {
    expect(() => uncompressSnappy(Buffer.from(bytes), 1000)).toThrow(RangeError);
  });
});

describe('keys of the slices of a partitioned variable', () => {
  it('are in ordered code', () => {
    // tensorflow/core/lib/strings/ordered_code_test.cc: one byte up to 63, then one more for every seven bits.
    const numbers = (start: number, length: number) => latin1(bundleSliceKey('', [{ start, length }])).subarray(5).toString('hex');
    expect(numbers(0, 63)).toBe('80bf');
    expect(numbers(64, 8191)).toBe('c040dfff');
    expect(numbers(8192, 1)).toBe('e0200081');
    expect(latin1(bundleSliceKey('w', [{ start: 0, length: null }])).toString('hex')).toBe('00770001' + '0101' + '807f');
  });
});

describe('names of Keras 3', () => {
  const config = {
    config: {
      layers: [
        { class_name: 'InputLayer', config: { name: 'image' } },
        { class_name: 'Conv2D', config: { name: 'stem' } },
        { class_name: 'Conv2D', config: { name: 'stage2' } },
        { class_name: 'Sequential', config: { name: 'projector', layers: [{ class_name: 'Dense', config: { name: 'dense' } }] } },
      ],
    },
  };

  it('come from config.json where the file of weights does not say them', () => {
    const paths = ['layers/conv2d/vars/0', 'layers/conv2d_1/vars/0', 'layers/sequential/layers/dense/vars/1', 'optimizer/vars/0'];
    expect([...kerasVariableNames(paths, {}, layerNamesOf(config)).values()]).toEqual(['stem/0', 'stage2/0', 'projector/dense/1', 'optimizer/0']);
  });

  it('stay apart when two layers have one name', () => {
    const paths = ['layers/conv2d/vars/0', 'layers/conv2d_1/vars/0'];
    const attributes = { 'layers/conv2d/vars@name': 'same', 'layers/conv2d_1/vars@name': 'same' };
    expect([...kerasVariableNames(paths, attributes).values()]).toEqual(['same/0', 'layers/conv2d_1/vars/0']);
  });

  it('survive a description of another shape', () => {
    expect(layerNamesOf({ config: { layers: [null, 3, { class_name: 7 }, { class_name: 'Dense' }] } }).size).toBe(0);
    expect(layerNamesOf(null).size).toBe(0);
  });
});

describe('HDF5', () => {
  it('computes the checksums that Bob Jenkins published', () => {
    // lookup3.c, driver5: hashlittle("", 0, 0) and hashlittle("Four score and seven years ago", 30, 0).
    expect(lookup3(new Uint8Array(0))).toBe(0xdeadbeef);
    expect(lookup3(Buffer.from('Four score and seven years ago'))).toBe(0x17770551);
  });

  it('reads only what it lists and what it is asked for', async () => {
    const bytes = fixture('checkpoints/hdf5/legacy.h5');
    const source = memorySource('legacy.h5', bytes);
    let read = 0;
    const file = await format('hdf5').open(
      { ...source, read: (offset, length) => ((read += length), source.read(offset, length)) },
      () => Promise.reject(new Error('no siblings')),
    );
    const listed = read;
    const { name, bytes: tensorBytes } = file.tensors[0]!;
    await file.read(name);
    expect(read - listed).toBe(tensorBytes);
  });

  it('says which structure is damaged, at which byte', async () => {
    const bytes = Buffer.from(fixture('checkpoints/hdf5/latest.h5'));
    bytes[bytes.indexOf('OHDR') + 20]! ^= 1;
    const error = await failure(format('hdf5').open(memorySource('a.h5', bytes), () => Promise.reject(new Error('no siblings'))));
    expect(error.place).toMatch(/^byte \d+$/);
    expect(error.reason).toBe('the checksum of this structure does not fit its bytes');
  });
});

describe('TensorFlow.js', () => {
  const model = (weights: object[], paths = ['w.bin']) => memorySource('model.json', Buffer.from(JSON.stringify({ weightsManifest: [{ paths, weights }] })));
  const shard = async () => memorySource('w.bin', Uint8Array.of(0, 1, 255, 7, 0, 0));

  it('gives quantised weights as tfjs does: scale and minimum for integers, rounded for int32', async () => {
    const quantization = { dtype: 'uint8', scale: 0.5, min: -1.25 };
    const file = await format('tensorFlowJs').open(
      model([{ name: 'w', shape: [3], dtype: 'float32', quantization }, { name: 'n', shape: [1], dtype: 'int32', quantization }, { name: 'h', shape: [1], dtype: 'float32', quantization: { dtype: 'float16' } }]),
      shard,
    );
    expect((await file.read('w')).data).toEqual(Float32Array.of(-1.25, -0.75, 126.25));
    expect((await file.read('n')).data).toEqual(Int32Array.of(2));
    expect((await file.read('h')).data).toEqual(Float32Array.of(0));
  });

  it('never leaves the folder', async () => {
    const open = (path: string) => format('tensorFlowJs').open(model([{ name: 'w', shape: [3], dtype: 'uint8' }], [path]), () => Promise.reject(new Error(`opened ${path}`)));
    for (const path of ['../w.bin', '/etc/passwd', 'a/../../w.bin', 'C:\\w.bin', 'https://example.org/w.bin', '']) {
      const file = await open(path);
      expect(file.tensors).toEqual([]);
      expect(file.skipped![0]!.reason).toContain('outside of the folder');
    }
  });

  it('is not any model.json', () => {
    const matches = (text: string) => format('tensorFlowJs').matches({ name: 'model.json', head: Buffer.from(text), size: text.length });
    expect(matches('{"weightsManifest": []}')).toBe(true);
    expect(matches('{"modelTopology": {}}')).toBe(false);
    expect(matches('{"name": "user"}')).toBe(false);
  });
});
