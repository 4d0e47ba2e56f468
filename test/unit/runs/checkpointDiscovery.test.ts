import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRuns } from '../../../src/runs';
import { fixturePath, npyOf } from '../formats/build';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'layerscope-containers-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function copy(fixture: string, to: string): void {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  cpSync(fixturePath(`checkpoints/${fixture}`), join(folder, to), { recursive: true });
}

function put(path: string, content: Uint8Array | string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

async function find() {
  const { runs } = await findRuns([{ name: 'work', path: folder }]);
  return Object.fromEntries(runs.map((run) => [run.name, run.files.map(({ path, formatId, epoch, step }) => [path, formatId, epoch, step])]));
}

describe('finding checkpoints of several files', () => {
  it('takes a TensorFlow checkpoint with its data files as one, at the step in its name', async () => {
    copy('tensorflow/saver', 'resnet');
    expect(await find()).toEqual({ resnet: [['model.ckpt-200.index', 'tensorFlowBundle', null, 200]] });
  });

  it('takes a TensorFlow.js model with its shards as one', async () => {
    copy('tensorflowjs/node', 'web');
    expect(await find()).toEqual({ web: [['model.json', 'tensorFlowJs', null, null]] });
  });

  it('takes an ONNX model with its external data as one', async () => {
    copy('onnx/external/model.onnx', 'export/model.onnx');
    copy('onnx/external/model.onnx.data', 'export/model.onnx.data');
    expect(await find()).toEqual({ export: [['model.onnx', 'onnx', null, null]] });
  });
});

describe('finding checkpoints of Keras', () => {
  it('takes models and weights, and places them by their names', async () => {
    copy('hdf5/model.keras', 'fit/epoch_03.keras');
    copy('hdf5/model.weights.h5', 'fit/weights.04.weights.h5');
    copy('hdf5/legacy.h5', 'fit/epoch_05.h5');
    expect(await find()).toEqual({
      fit: [['epoch_03.keras', 'keras', 3, null], ['epoch_05.h5', 'hdf5', 5, null], ['weights.04.weights.h5', 'kerasWeights', 4, null]],
    });
  });
});

describe('files that are no checkpoints', () => {
  it('make no run: a data set in HDF5, a description of another kind in model.json, arrays and indexes of other programs', async () => {
    copy('hdf5/userblock.h5', 'data/images.h5');
    put('app/model.json', '{"name": "user", "fields": [1, 2]}');
    put('arrays/labels.npy', npyOf("'<f4'", [2], new Uint8Array(8)));
    put('search/vectors.index', 'IxFI and so on');
    expect(await find()).toEqual({});
  });
});
