import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFormatRegistry, openTensors, type TensorFile } from '../../../src/formats';
import { TensorFlowModel, type Batch, type TensorFlowLayersPackage } from '../../../src/models';
import { findTensorFlow, loadTensorFlow } from '../../../src/worker/tensorFlowPackage';
import { images, modelsFolder, relativeError } from './fixtures';

const root = path.resolve(import.meta.dirname, '../../..');
const folders = [process.env['LAYERSCOPE_TENSORFLOW'], path.join(root, '.engines', 'tensorflow'), root].filter((folder) => folder !== undefined);
const checkpoints = path.join(modelsFolder, '../checkpoints/tensorflowjs');

/** tfjs-node where it is installed, else the parts of tfjs that compute in JavaScript, else null. */
function findPackage(): (() => TensorFlowLayersPackage) | null {
  if (findTensorFlow(folders) !== null) return () => loadTensorFlow(folders) as unknown as TensorFlowLayersPackage;
  for (const folder of folders) {
    const load = createRequire(path.join(folder, 'package.json'));
    try {
      load('@tensorflow/tfjs-backend-cpu');
      return () => ({ ...load('@tensorflow/tfjs-core'), ...load('@tensorflow/tfjs-layers') }) as TensorFlowLayersPackage;
    } catch {
      continue;
    }
  }
  return null;
}

async function open(name: string) {
  const file = path.join(checkpoints, name, 'model.json');
  const opened = (await openTensors(file, createFormatRegistry())).file;
  // The fixture's weights are running numbers, which variances cannot be.
  const read = async (tensor: string) => {
    const found = await opened.read(tensor);
    return tensor.endsWith('moving_variance') ? { ...found, data: Float32Array.from(found.data as Float32Array, (value) => 0.5 + Math.abs(value)) } : found;
  };
  return { name, file: { ...opened, read }, json: await readFile(file) };
}

/** The fixture's model by hand: a convolution of 3 x 3, a batch norm, the mean over positions, a linear layer. [images, 3] and [images, 2] */
async function byHand(file: TensorFile, { count, images: pixels }: Batch): Promise<{ pool: number[]; head: number[] }> {
  const read = async (name: string) => [...(await file.read(name)).data].map(Number);
  const [kernel, bias, gamma, beta, mean, variance, weight, shift] = await Promise.all(
    ['conv1/kernel', 'conv1/bias', 'bn1/gamma', 'bn1/beta', 'bn1/moving_mean', 'bn1/moving_variance', 'head/kernel', 'head/bias'].map(read),
  ) as [number[], number[], number[], number[], number[], number[], number[], number[]];
  const pool: number[] = [];
  const head: number[] = [];
  for (let image = 0; image < count; image++) {
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let row = 0; row < 4; row++) {
        for (let column = 0; column < 4; column++) {
          let value = bias[channel]!;
          for (let i = 0; i < 9; i++) value += kernel[i * 3 + channel]! * pixels[image * 36 + (row + Math.floor(i / 3)) * 6 + column + (i % 3)]!;
          sum += ((value - mean[channel]!) / Math.sqrt(variance[channel]! + 1e-3)) * gamma[channel]! + beta[channel]!;
        }
      }
      pool.push(sum / 16);
    }
    for (let output = 0; output < 2; output++) {
      head.push(shift[output]! + [0, 1, 2].reduce((sum, channel) => sum + pool[image * 3 + channel]! * weight[channel * 2 + output]!, 0));
    }
  }
  return { pool, head };
}

const loadPackage = findPackage();
if (loadPackage === null) console.info('Models of TensorFlow.js are not run: it is not installed (npm run engine:tensorflow).');

describe.runIf(loadPackage !== null)('A layers model of TensorFlow.js', () => {
  it('gives the features that its layers are defined by, maps averaged over positions', async () => {
    const opened = await open('node');
    const model = await TensorFlowModel.create({ ...opened, features: ['bn1', 'pool', 'head'], loadPackage: loadPackage! });
    const batch = images(1, 6);
    const [outputs, expected] = [await model.run(batch), await byHand(opened.file, batch)];
    expect([...outputs].map(([name, { shape }]) => [name, ...shape])).toEqual([['bn1', 4, 3], ['pool', 4, 3], ['head', 4, 2]]);
    expect(relativeError(outputs.get('bn1')!.data, expected.pool)).toBeLessThan(1e-4);
    expect(relativeError(outputs.get('pool')!.data, expected.pool)).toBeLessThan(1e-4);
    expect(relativeError(outputs.get('head')!.data, expected.head)).toBeLessThan(1e-4);
    await expect(model.run(images(3, 6))).rejects.toThrow('takes images of 6 x 6 x 1, not of 6 x 6 x 3');
    await model.close();
  });

  it('says which layers there are when another is asked for', async () => {
    const opened = await open('node');
    await expect(TensorFlowModel.create({ ...opened, features: ['conv9'], loadPackage: loadPackage! })).rejects.toThrow('has no layer conv9; it has conv1, bn1, pool, head.');
  });

  it('that TensorFlow.js cannot build is refused with its reason', async () => {
    const opened = await open('converter-groups');
    await expect(TensorFlowModel.create({ ...opened, features: ['conv1'], loadPackage: loadPackage! })).rejects.toThrow(/converter-groups: cannot be built by TensorFlow\.js: .*batchInputShape/);
  });
});

describe('A model.json', () => {
  it('is refused where TensorFlow.js is not there, or it holds no layers', async () => {
    const absent = () => {
      throw new Error('@tensorflow/tfjs-node is not installed');
    };
    const opened = await open('node');
    await expect(TensorFlowModel.create({ ...opened, features: ['head'], loadPackage: absent })).rejects.toThrow('@tensorflow/tfjs-node is not installed');
    const converted = await open('converter-dtypes');
    const nothing = () => ({}) as TensorFlowLayersPackage;
    await expect(TensorFlowModel.create({ ...converted, features: ['head'], loadPackage: nothing })).rejects.toThrow('converter-dtypes: is no layers model');
  });
});
