import { describe, expect, it } from 'vitest';
import { FormatError, memorySource, type TensorFile } from '../../../src/formats';
import { isTorchLegacy, torchLegacy } from '../../../src/formats/torchLegacy';
import { isTorchZip, torchZip } from '../../../src/formats/torchZip';
import { failure, fixture, zipOf } from './build';
import { call, dict, global, int, list, pickle, storage, tensor, text, torchZipOf, tuple } from './pickleBuild';
import { processorTime } from '../processorTime';

const noSiblings = () => Promise.reject(new Error('no siblings'));
const open = (bytes: Uint8Array): Promise<TensorFile> => torchZip.open(memorySource('a.pt', bytes), noSiblings);
const openLegacy = (bytes: Uint8Array): Promise<TensorFile> => torchLegacy.open(memorySource('a.pt', bytes), noSiblings);
const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);
const range = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => i).buffer);

describe('a PyTorch file', () => {
  it('is listed without reading its storages or their headers', async () => {
    const bytes = torchZipOf(dict({ w: tensor({ elements: 100_000, shape: [100_000], strides: [1] }) }), { 0: new Uint8Array(400_000) });
    const source = memorySource('a.pt', bytes);
    let read = 0;
    const file = await torchZip.open({ ...source, read: (offset, length) => ((read += length), source.read(offset, length)) }, noSiblings);
    expect(file.tensors).toEqual([{ name: 'w', shape: [100_000], dtype: 'F32', bytes: 400_000 }]);
    expect(read).toBeLessThan(100_000);
  });

  it('of a machine that is big-endian is read as such', async () => {
    const swapped = Buffer.from(floats(1, -2)).swap32();
    const bytes = torchZipOf(dict({ w: tensor({ elements: 2, shape: [2], strides: [1] }) }), { 0: swapped }, [{ name: 'archive/byteorder', bytes: Buffer.from('big') }]);
    expect((await (await open(bytes)).read('w')).data).toEqual(Float32Array.of(1, -2));
  });

  it('gathers a transposed tensor that is larger than the window, each element once', async () => {
    const [rows, columns] = [1200, 1500];
    const values = range(rows * columns);
    const source = memorySource('a.pt', torchZipOf(dict({ w: tensor({ elements: rows * columns, shape: [columns, rows], strides: [1, columns] }) }), { 0: values }));
    let read = 0;
    const file = await torchZip.open({ ...source, read: (offset, length) => ((read += length), source.read(offset, length)) }, noSiblings);
    read = 0;
    const { data } = await file.read('w');
    expect(read).toBeLessThan(values.length + 100);
    for (const [i, j] of [[0, 0], [1, 0], [0, 1], [1499, 1199], [700, 333]] as const) expect(data[i * rows + j]).toBe(j * columns + i);
  });

  it('gathers one column out of a wide storage', async () => {
    const file = await open(torchZipOf(dict({ w: tensor({ elements: 3_000_000, offset: 7, shape: [3], strides: [1_000_000] }) }), { 0: range(3_000_000) }));
    expect((await file.read('w')).data).toEqual(Float32Array.of(7, 1_000_007, 2_000_007));
  });

  it('reads a tensor whose axes of one element have any stride', async () => {
    const file = await open(torchZipOf(dict({ w: tensor({ elements: 3, shape: [1, 3], strides: [77, 1] }) }), { 0: floats(1, 2, 3) }));
    expect((await file.read('w')).data).toEqual(Float32Array.of(1, 2, 3));
  });

  it('keeps single values and settings as metadata', async () => {
    const namespace = Buffer.concat([call(global('argparse', 'Namespace')), dict({ lr: Buffer.from([0x47, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]), model: text('vit'), none: Buffer.from('N') }), Buffer.from('b')]);
    const file = await open(
      torchZipOf(
        dict({
          epoch: int(3),
          global_step: int(900),
          state_dict: dict({}),
          args: namespace,
          hyper_parameters: dict({ betas: list(int(1), int(2)), nested: dict({ depth: int(4) }) }),
          callbacks: dict({ patience: int(5) }),
          path: call(global('pathlib', 'PosixPath'), text('/'), text('data'), text('x')),
          when: call(global('datetime', 'datetime'), call(global('_codecs', 'encode'), text('\u0007\u00ea\u000b\u0015\u0015\u0004\u0005\u0000\u0000\u0000'), text('latin1'))),
          device: call(global('torch', 'device'), text('cuda'), int(1)),
        }),
      ),
    );
    expect(file.metadata).toEqual({
      epoch: '3', global_step: '900', step: '900', 'args.lr': '0.1', 'args.model': 'vit', 'hyper_parameters.betas': '[1,2]', 'hyper_parameters.nested.depth': '4',
      path: '/data/x', when: '2026-11-21T21:04:05', device: 'cuda:1',
    });
  });

  it('lists a tensor of every name that leads to it, and stops where sharing becomes exponential', async () => {
    const weight = tensor({ elements: 1, shape: [1], strides: [1] });
    // x0 = {w}, x1 = {a: x0, b: x0}, ...
    const layers = Array.from({ length: 40 }, (_, i) => Buffer.concat([Buffer.from(`p${i + 2}\n`), Buffer.from('0}('), text('a'), Buffer.from(`g${i + 2}\n`), text('b'), Buffer.from(`g${i + 2}\n`), Buffer.from('u')]));
    const few = await open(torchZipOf(Buffer.concat([dict({ w: weight }), ...layers.slice(0, 3)]), { 0: floats(1) }));
    expect(few.tensors.map(({ name }) => name)).toEqual(['a.a.a.w', 'a.a.b.w', 'a.b.a.w', 'a.b.b.w', 'b.a.a.w', 'b.a.b.w', 'b.b.a.w', 'b.b.b.w']);
    const started = processorTime();
    const many = await open(torchZipOf(Buffer.concat([dict({ w: weight }), ...layers]), { 0: floats(1) }));
    expect(many.tensors.length).toBeLessThan(5_001);
    expect(many.skipped!.at(-1)!.reason).toContain('repeats what is listed under other names');
    expect(processorTime() - started).toBeLessThan(3000);
  });

  it('does not look endlessly at arguments that many objects share', async () => {
    const shared = Buffer.concat([Buffer.from('('), Buffer.alloc(100_000, 'N'), Buffer.from('tp5\n0')]);
    const objects = Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from('ca\nB\ng5\nR')));
    const started = processorTime();
    const file = await open(torchZipOf(Buffer.concat([shared, Buffer.from(']('), objects, Buffer.from('e')])));
    expect(file.skipped!.map(({ reason }) => reason)).toEqual([expect.stringContaining('and what follows is not listed')]);
    expect(processorTime() - started).toBeLessThan(5000);
  });
});

describe('a PyTorch file that is wrong', () => {
  const one = (options: Parameters<typeof tensor>[0]) => dict({ w: tensor(options), good: tensor({ elements: 4, shape: [4], strides: [1] }) });
  it.each<[string, Buffer, string]>([
    ['reaches beyond its storage', one({ elements: 4, shape: [5], strides: [1] }), 'its values end at byte 20 of storage 0, which has only 16'],
    ['reaches beyond by its strides', one({ elements: 4, shape: [2, 2], strides: [3, 1] }), 'its values end at byte 20 of storage 0'],
    ['has no storage', one({ elements: 4, key: '9', shape: [4], strides: [1] }), 'its storage archive/data/9 is not in the file'],
    ['repeats a number until it fills the memory', one({ elements: 1, shape: [100_000, 10_000], strides: [0, 0] }), 'repeats 16 bytes until they are 4000000000, more than the'],
    ['has a storage of an unknown class', one({ elements: 4, storage: 'OddStorage', shape: [4], strides: [1] }), 'its storage is of the unknown class torch.OddStorage'],
    ['is quantised', dict({ w: call(global('torch._utils', '_rebuild_qtensor'), storage('0', 4, 'QInt8Storage')), good: tensor({ elements: 4, shape: [4], strides: [1] }) }), 'is a quantised tensor, which is not read'],
  ])('in that a tensor %s still gives the others', async (_, value, reason) => {
    const file = await open(torchZipOf(value, { 0: floats(1, 2, 3, 4) }));
    expect(file.skipped).toEqual([{ name: 'w', reason: expect.stringContaining(reason) as string }]);
    expect((await failure(file.read('w'))).place).toBe('tensor w');
    expect((await file.read('good')).data).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  it('in that a storage is compressed says so', async () => {
    const bytes = zipOf([
      { name: 'x/data.pkl', bytes: pickle(dict({ w: tensor({ elements: 1, shape: [1], strides: [1] }) })), deflate: true },
      { name: 'x/data/0', bytes: floats(1), deflate: true },
    ]);
    expect((await open(bytes)).skipped![0]!.reason).toContain('is compressed, so that it cannot be sliced out of the file');
  });

  it.each<[string, Buffer, string, string]>([
    ['has no pickle', zipOf([{ name: 'archive/data/0', bytes: floats(1) }]), 'zip directory', 'has no entry data.pkl'],
    ['has a torn pickle', zipOf([{ name: 'a/data.pkl', bytes: Buffer.from('K') }]), 'entry a/data.pkl, byte 0', 'the pickle wants 1 bytes'],
    ['has an unknown byte order', torchZipOf(dict({}), {}, [{ name: 'archive/byteorder', bytes: Buffer.from('middle') }]), 'entry archive/byteorder', '"middle"'],
    ['has an entry twice', torchZipOf(dict({}), {}, [{ name: 'archive/data.pkl', bytes: pickle(dict({})) }]), 'entry archive/data.pkl', 'occurs twice'],
    ['has an encrypted pickle', zipOf([{ name: 'a/data.pkl', bytes: floats(1), deflate: true, claim: { flags: 1 } }]), 'zip directory', 'entry a/data.pkl is encrypted'],
  ])('in that it %s is refused', async (_, bytes, place, reason) => {
    const error = await failure(open(bytes));
    expect(error).toMatchObject({ file: 'a.pt', place });
    expect(error.reason).toContain(reason);
  });

  it('in that a storage is not where the directory says is listed, and reading fails', async () => {
    const bytes = torchZipOf(dict({ w: tensor({ elements: 1, shape: [1], strides: [1] }) }), { 0: floats(1) });
    const at = bytes.indexOf(Buffer.from('archive/data/0')) - 30;
    bytes.fill(0, at, at + 4);
    expect((await failure((await open(bytes)).read('w'))).reason).toContain(`has no header at byte ${at}`);
  });
});

describe('a PyTorch file of the time before zip', () => {
  const legacy = fixture('checkpoints/torch/torch-1.13/state_dict_legacy.pt');

  it('is told from the other by its first bytes, in every protocol', () => {
    expect(isTorchLegacy(legacy)).toBe(true);
    expect(isTorchZip(legacy)).toBe(false);
    expect(isTorchLegacy(Buffer.concat([Buffer.from([0x80, 4, 0x95, 13, 0, 0, 0, 0, 0, 0, 0]), legacy.subarray(2, 32)]))).toBe(true);
    expect(isTorchLegacy(pickle(dict({})))).toBe(false);
  });

  it('is refused when it is cut off', async () => {
    const error = await failure(openLegacy(legacy.subarray(0, legacy.length - 1)));
    expect(error.reason).toContain(`but the file has only ${legacy.length - 1}: truncated or still being written`);
  });

  it('reads views of storages as torch 0.3 wrote them, and machines that are big-endian', async () => {
    const view = Buffer.concat([tuple(text('storage'), global('torch', 'FloatStorage'), text('k'), text('cpu'), int(4), tuple(text('v'), int(1), int(2))), Buffer.from('Q')]);
    const root = call(global('torch._utils', '_rebuild_tensor'), view, int(0), tuple(int(2)), tuple(int(1)));
    const count = Buffer.alloc(8, 0);
    count[0] = 4;
    const bytes = Buffer.concat([
      legacy.subarray(0, 15),
      pickle(Buffer.from('M\xe9\x03', 'latin1')),
      pickle(dict({ little_endian: Buffer.from([0x89]) })),
      pickle(dict({ w: root })),
      pickle(list(text('k'))),
      count,
      Buffer.from(floats(1, 2, 3, 4)).swap32(),
    ]);
    const file = await openLegacy(bytes);
    expect((await file.read('w')).data).toEqual(Float32Array.of(2, 3));
    bytes[bytes.length - 24] = 5;
    expect((await failure((await openLegacy(bytes)).read('w'))).reason).toContain('is said to have 5 elements, but its pickle says 4');
  });

  it('is refused when it is of another protocol', async () => {
    const bytes = Buffer.concat([legacy.subarray(0, 15), pickle(int(7)), pickle(dict({})), pickle(dict({})), pickle(list())]);
    await expect(openLegacy(bytes)).rejects.toThrow(FormatError);
    await expect(openLegacy(bytes)).rejects.toThrow('is of protocol 7 of torch.save');
  });

  it('may have pickles that are longer than the first read', async () => {
    const long = pickle(dict({ note: text('x'.repeat(600_000)), w: tensor({ elements: 1, key: 'k', shape: [1], strides: [1] }) }));
    const count = Buffer.alloc(8, 0);
    count[0] = 1;
    const bytes = Buffer.concat([legacy.subarray(0, 15), pickle(Buffer.from('M\xe9\x03', 'latin1')), pickle(dict({})), long, pickle(list(text('k'))), count, floats(5)]);
    expect((await (await openLegacy(bytes)).read('w')).data).toEqual(Float32Array.of(5));
  });
});
