import { existsSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type OpenedTensors } from '../../../src/formats';
import { fixture, fixturePath } from './build';
import { expectTensor, type ExpectedTensor } from './expectedTensors';

interface Expected {
  readonly tensors: readonly ExpectedTensor[];
  readonly skipped?: readonly { readonly name: string }[];
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly variables?: readonly ExpectedTensor[];
  readonly prefix?: string;
}

const registry = createFormatRegistry();
const checkpoints = (path: string) => fixturePath(`checkpoints/${path}`);
const expectedOf = (path: string) => JSON.parse(fixture(`checkpoints/${path}.expected.json`).toString()) as Expected;
const namesIn = (folder: string) =>
  readdirSync(checkpoints(folder)).filter((name) => name.endsWith('.expected.json')).map((name) => name.replace('.expected.json', ''));

async function opened<Result>(path: string, look: (opened: OpenedTensors) => Promise<Result>): Promise<Result> {
  const file = await openTensors(checkpoints(path), registry);
  try {
    return await look(file);
  } finally {
    await file.close();
  }
}

/** All tensors, by name; `rename` where the file's names are not the library's. */
async function expectAll({ file }: OpenedTensors, tensors: readonly ExpectedTensor[], rename: (name: string) => string = (name) => name): Promise<void> {
  expect(file.tensors.map(({ name }) => name).sort()).toEqual(tensors.map(({ name }) => rename(name)).sort());
  for (const expected of tensors) {
    expectTensor(await file.read(rename(expected.name)), expected);
  }
}

describe('HDF5 written by h5py and Keras', () => {
  const raw = namesIn('hdf5').filter((name) => name.endsWith('.h5') && !name.endsWith('.weights.h5'));

  it.each(raw)('%s has the values that h5py reads', async (name) => {
    const expected = expectedOf(`hdf5/${name}`);
    await opened(`hdf5/${name}`, async (file) => {
      expect(file.format.id).toBe('hdf5');
      await expectAll(file, expected.tensors);
      const skipped = new Set(file.file.skipped!.map((tensor) => tensor.name));
      for (const tensor of expected.skipped ?? []) expect(skipped).toContain(tensor.name);
    });
  });

  it.each(raw)('%s has the attributes that h5py reads, as metadata', async (name) => {
    const { attributes = {} } = expectedOf(`hdf5/${name}`);
    await opened(`hdf5/${name}`, async ({ file }) => {
      for (const [key, value] of Object.entries(attributes)) {
        expect(file.metadata[key.replace(/^\/@/, '')], key).toBe(Array.isArray(value) ? JSON.stringify(value) : String(value));
      }
    });
  });
});

describe('Keras 3', () => {
  it('has the variables of a model by the names of the layers, in their order', async () => {
    const expected = expectedOf('hdf5/model.keras');
    await opened('hdf5/model.keras', async ({ file, format }) => {
      expect(format.id).toBe('keras');
      expect(file.tensors.map(({ name }) => name)).toEqual([
        'conv1/0', 'conv1/1', 'bn1/0', 'bn1/1', 'bn1/2', 'bn1/3', 'projector/dense/0', 'projector/dense/1', 'head/0', 'head/1', 'optimizer/0', 'optimizer/1',
      ]);
      expect(file.tensors).toHaveLength(expected.tensors.length);
      const kernel = expected.variables!.find(({ name }) => name === 'head/kernel')!;
      expectTensor(await file.read('head/0'), kernel);
      expect(file.metadata['keras_version']).toMatch(/^3\./);
    });
  });

  it('reads float16, and bfloat16 that HDF5 has no type for', async () => {
    const expected = expectedOf('hdf5/half.keras');
    await opened('hdf5/half.keras', async ({ file }) => {
      const dtypes = new Set(file.tensors.map(({ dtype }) => dtype));
      expect(dtypes).toEqual(new Set(expected.tensors.map(({ dtype }) => dtype)));
      expect(dtypes).toContain('BF16');
      const half = expected.tensors.find(({ name, dtype }) => dtype === 'BF16' && name.endsWith('/0'))!;
      expectTensor(await file.read('e/0'), half);
    });
  });

  it('has names of layers in a file of weights alone, too', async () => {
    await opened('hdf5/model.weights.h5', async ({ file, format }) => {
      expect(format.id).toBe('kerasWeights');
      expect(file.tensors.map(({ name }) => name)).toEqual(['conv/0', 'conv/1', 'head/0', 'head/1']);
      const { tensors } = expectedOf('hdf5/model.weights.h5');
      expectTensor(await file.read('head/1'), tensors.find(({ name }) => name === 'layers/dense/vars/1')!);
    });
  });
});

describe('TensorFlow checkpoints written by Checkpoint, Saver and SaveV2', () => {
  it.each(namesIn('tensorflow'))('%s has the values that TensorFlow reads', async (name) => {
    const expected = expectedOf(`tensorflow/${name}`);
    await opened(`tensorflow/${expected.prefix}.index`, async (file) => {
      expect(file.format.id).toBe('tensorFlowBundle');
      await expectAll(file, expected.tensors, (tensor) => tensor.replace('/.ATTRIBUTES/VARIABLE_VALUE', ''));
      const skipped = new Set(file.file.skipped!.map((tensor) => tensor.name));
      for (const tensor of expected.skipped ?? []) expect(skipped).toContain(tensor.name);
    });
  });
});

describe('models written by TensorFlow.js and its converter', () => {
  it.each(namesIn('tensorflowjs'))('%s has the values that TensorFlow.js gives', async (name) => {
    const expected = expectedOf(`tensorflowjs/${name}`);
    await opened(`tensorflowjs/${name}/model.json`, async (file) => {
      expect(file.format.id).toBe('tensorFlowJs');
      const skipped = new Set((expected.skipped ?? []).map((tensor) => tensor.name));
      await expectAll(file, expected.tensors.filter((tensor) => !skipped.has(tensor.name)));
    });
  });
});

describe('ONNX models written by torch and the onnx package', () => {
  const names = [...namesIn('onnx'), ...namesIn('onnx/external').map((name) => `external/${name}`), 'external/each/model.onnx'];

  it.each(names)('%s has the initialisers that onnx reads', async (name) => {
    const { tensors, skipped = [] } = expectedOf(`onnx/${name}`);
    await opened(`onnx/${name}`, async (file) => {
      expect(file.format.id).toBe('onnx');
      await expectAll(file, tensors.filter(({ where }) => where === 'initializer'));
      expect(file.file.skipped!.map((tensor) => tensor.name)).toEqual(expect.arrayContaining(skipped.map((tensor) => tensor.name)));
    });
  });
});

describe('single arrays written by NumPy', () => {
  const arrays = namesIn('npz').filter((name) => name.endsWith('.npy') && existsSync(checkpoints(`npz/${name}`)));

  it.each(arrays)('%s is one tensor, called after the file', async (name) => {
    const expected = JSON.parse(fixture(`checkpoints/npz/${name}.expected.json`).toString()) as { tensors: readonly ExpectedTensor[] };
    await opened(`npz/${name}`, async ({ file }) => {
      expect(file.tensors.map((tensor) => tensor.name)).toEqual([name.replace('.npy', '')]);
      expectTensor(await file.read(name.replace('.npy', '')), expected.tensors[0]!);
    });
  });
});
