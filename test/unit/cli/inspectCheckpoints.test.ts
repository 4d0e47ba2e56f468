import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandLine, documentOf, repository } from './commandLine';

interface Inspected {
  readonly format: string;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly dtype: string; readonly bytes: number }[];
  readonly problems: readonly { readonly reason: string }[];
}

interface Expected {
  readonly tensors: readonly { readonly shape: readonly number[]; readonly dtype: string; readonly where?: string }[];
  readonly skipped?: readonly { readonly name: string }[];
}

const checkpoints = path.join(repository, 'test/fixtures/checkpoints');
let cli: CommandLine;

beforeAll(async () => {
  cli = await CommandLine.build();
});
afterAll(() => cli.remove());

/** One file of every kind, and what its own library reads. */
const files: readonly [string, string, string][] = [
  ['hdf5', 'hdf5/latest.h5', 'hdf5/latest.h5'],
  ['hdf5', 'hdf5/legacy.h5', 'hdf5/legacy.h5'],
  ['kerasWeights', 'hdf5/model.weights.h5', 'hdf5/model.weights.h5'],
  ['keras', 'hdf5/model.keras', 'hdf5/model.keras'],
  ['tensorFlowBundle', 'tensorflow/object/ckpt-12.index', 'tensorflow/object.ckpt-12'],
  ['tensorFlowBundle', 'tensorflow/partitioned/model.index', 'tensorflow/partitioned.model'],
  ['tensorFlowJs', 'tensorflowjs/node/model.json', 'tensorflowjs/node'],
  ['onnx', 'onnx/torch-dynamo.onnx', 'onnx/torch-dynamo.onnx'],
  ['onnx', 'onnx/external/model.onnx', 'onnx/external/model.onnx'],
  ['npy', 'npz/version1.npy', 'npz/version1.npy'],
];

describe('layerscope inspect', () => {
  it.each(files)('lists the tensors of %s (%s)', async (format, file, expectedFile) => {
    const expected = JSON.parse(readFileSync(path.join(checkpoints, `${expectedFile}.expected.json`), 'utf8')) as Expected;
    const finished = await cli.run(['inspect', path.join(checkpoints, file), '--json']);
    expect([finished.code, finished.stderr]).toEqual([0, '']);
    const document = documentOf<Inspected>(finished);
    expect(document.format).toBe(format);
    const described = (tensors: Expected['tensors']) => tensors.map(({ shape, dtype }) => `${dtype} [${shape.join(', ')}]`).sort();
    expect(described(document.tensors)).toEqual(described(expected.tensors.filter(({ where = 'initializer' }) => where === 'initializer')));
    expect(document.problems.length).toBeGreaterThanOrEqual(expected.skipped?.length ?? 0);
  });

  it('has a fixture of every format of checkpoints', () => {
    const folders = readdirSync(checkpoints, { withFileTypes: true }).filter((entry: Dirent) => entry.isDirectory()).map(({ name }) => name);
    expect(folders).toEqual(expect.arrayContaining(['hdf5', 'huggingface', 'npz', 'onnx', 'tensorflow', 'tensorflowjs', 'torch']));
  });
});
