import { afterAll, describe, expect, it } from 'vitest';
import { FormatError, formats, memorySource, type TensorFormat } from '../../src/formats';
import { fixture, npyOf, zipOf } from '../unit/formats/build';
import { formatErrorOnly } from './formatErrorOnly';
import { mutate, randomNumbers } from './mutations';
import { processorTime } from '../unit/processorTime';

/** More of them with LAYERSCOPE_FUZZ=10000; the seeds count from 0. */
const mutations = Number(process.env['LAYERSCOPE_FUZZ'] ?? 1000);
const longest = 5000;
const mostMemory = 256 * 2 ** 20;

interface Container {
  readonly format: string;
  /** In test/fixtures/checkpoints. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The format does not say how long it is: what ends between two fields is complete. */
  readonly mayEndEarly?: boolean;
}

const file = (path: string) => fixture(`checkpoints/${path}`);
const containers: Container[] = [
  { format: 'hdf5', path: 'hdf5/userblock.h5', bytes: file('hdf5/userblock.h5') },
  { format: 'hdf5', path: 'hdf5/chunks.h5', bytes: file('hdf5/chunks.h5') },
  { format: 'hdf5', path: 'hdf5/latest.h5', bytes: file('hdf5/latest.h5') },
  { format: 'hdf5', path: 'hdf5/legacy.h5', bytes: file('hdf5/legacy.h5') },
  { format: 'keras', path: 'hdf5/half.keras', bytes: file('hdf5/half.keras') },
  {
    format: 'keras',
    path: 'hdf5/compressed.keras',
    bytes: zipOf([
      { name: 'config.json', bytes: Buffer.from('{"config": {"layers": [{"class_name": "Dense", "config": {"name": "head"}}]}}'), deflate: true },
      { name: 'model.weights.h5', bytes: file('hdf5/userblock.h5'), deflate: true },
    ]),
  },
  { format: 'tensorFlowBundle', path: 'tensorflow/object/ckpt-12.index', bytes: file('tensorflow/object/ckpt-12.index') },
  { format: 'tensorFlowBundle', path: 'tensorflow/partitioned/model.index', bytes: file('tensorflow/partitioned/model.index') },
  { format: 'tensorFlowJs', path: 'tensorflowjs/node/model.json', bytes: Buffer.from(file('tensorflowjs/node/model.json').toString().trimEnd()) },
  { format: 'onnx', path: 'onnx/raw.onnx', bytes: file('onnx/raw.onnx'), mayEndEarly: true },
  { format: 'onnx', path: 'onnx/typed.onnx', bytes: file('onnx/typed.onnx'), mayEndEarly: true },
  { format: 'onnx', path: 'onnx/external/model.onnx', bytes: file('onnx/external/model.onnx'), mayEndEarly: true },
  { format: 'npy', path: 'a.npy', bytes: npyOf("'<f4'", [2, 3], Buffer.from(new Float32Array(6).buffer), true) },
];

async function readAll({ format: id, path }: Container, bytes: Uint8Array): Promise<'value' | 'error'> {
  const format = formats.find((candidate) => candidate.id === id) as TensorFormat;
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const openSibling = async (name: string) => {
    // The formats themselves must not lead out of the folder.
    expect(name).not.toMatch(/\.\.|^\/|\\/);
    try {
      return memorySource(name, file(folder + name));
    } catch {
      throw new FormatError(name, '', 'does not exist (any more)');
    }
  };
  try {
    const opened = await format.open(memorySource(path, bytes), openSibling);
    let outcome: 'value' | 'error' = (opened.skipped ?? []).some(({ reason }) => /byte|damaged|truncated/.test(reason)) ? 'error' : 'value';
    for (const { name, shape } of opened.tensors) {
      const read = await opened.read(name).catch(formatErrorOnly);
      if (typeof read === 'string') outcome = 'error';
      else expect(read.data.length % Math.max(1, shape.reduce((product, size) => product * size, 1))).toBe(0);
    }
    return outcome;
  } catch (error) {
    return formatErrorOnly(error);
  }
}

let memory = 0;
const before = process.memoryUsage.rss();
afterAll(() => expect(memory).toBeLessThan(mostMemory));

async function timed<Result>(work: () => Promise<Result>): Promise<Result> {
  const started = processorTime();
  const result = await work();
  expect(processorTime() - started).toBeLessThan(longest);
  memory = Math.max(memory, process.memoryUsage.rss() - before);
  return result;
}

describe.each(containers)('$format ($path)', (container) => {
  const { bytes, mayEndEarly = false } = container;

  it('is read as it is', async () => {
    expect(await readAll(container, bytes)).toBe('value');
  });

  it('is refused when cut off at any byte', { timeout: 120_000 }, async () => {
    // Every byte of a small file; of a larger one every byte of its head, and then enough to meet every structure.
    for (let length = 0; length < bytes.length; length += length < 2048 ? 1 : 7) {
      const outcome = await timed(() => readAll(container, bytes.subarray(0, length)));
      if (!mayEndEarly) expect(outcome, `${length} bytes`).toBe('error');
    }
    if (mayEndEarly) expect(await readAll(container, bytes.subarray(0, bytes.length >> 1))).toBe('error');
  });

  it(`gives a value or a clear error after any of ${mutations} mutations`, { timeout: 600_000 }, async () => {
    const outcomes = { value: 0, error: 0 };
    for (let seed = 0; seed < mutations; seed++) {
      outcomes[await timed(() => readAll(container, mutate(bytes, randomNumbers(seed))))]++;
    }
    expect(outcomes.error).toBeGreaterThan(0);
  });
});
