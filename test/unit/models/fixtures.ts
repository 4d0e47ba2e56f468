import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFormatRegistry, openTensors, type TensorFile } from '../../../src/formats';
import {
  buildGraph, describeModel, ModelSession, readWeights, type Architecture, type Batch, type DescribeOptions, type GraphRequest, type ModelOutput, type SessionOptions,
} from '../../../src/models';

export const modelsFolder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../fixtures/models');
export const imageCount = 4;

export function pathOf(name: string): string {
  return path.join(modelsFolder, name);
}

export async function openFixture(name: string): Promise<TensorFile> {
  return (await openTensors(pathOf(name), createFormatRegistry())).file;
}

/** What PyTorch computes, by name of layer or loss. */
export async function expectedOf(name: string): Promise<Map<string, Float32Array>> {
  const file = await openFixture(`${name}.expected.safetensors`);
  return new Map(await Promise.all(file.tensors.map(async (info) => [info.name, (await file.read(info.name)).data as Float32Array] as const)));
}

/** The images of test/fixtures/make_models.py. */
export function images(channels: number, height: number, width = height, count = imageCount): Batch {
  const side = Math.max(height, width);
  const values = new Float32Array(count * channels * height * width);
  for (let image = 0; image < count * channels; image++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        values[(image * height + row) * width + column] = Math.sin(0.37 * ((image * side + row) * side + column));
      }
    }
  }
  return { count, height, width, images: values };
}

/** The noise of test/fixtures/make_models.py. */
export function noise(patches: number, count = imageCount): Float32Array {
  return Float32Array.from({ length: count * patches }, (_, place) => ((place + 1) * 0.6180339887498949) % 1);
}

export interface RunRequest extends GraphRequest {
  readonly describe?: DescribeOptions;
  readonly batch?: (model: Architecture) => Batch;
  readonly session?: SessionOptions;
}

/** Recognises the checkpoint's model, builds the graph, and runs it on the fixtures' images. */
export async function runFixture(name: string, { describe = {}, batch, session: options = {}, ...request }: RunRequest): Promise<ReadonlyMap<string, ModelOutput>> {
  const file = await openFixture(name);
  const model = describeModel(file.tensors, describe);
  const graph = buildGraph(model, request);
  const weights = await readWeights(file, model.parameters, graph.weights);
  const session = await ModelSession.create(graph, graph.weightMode === 'initialisers' ? weights : null, options);
  try {
    const [height, width] = model.imageSize ?? [16, 16];
    return await session.run(batch?.(model) ?? images(model.channels, height, width), weights);
  } finally {
    await session.close();
  }
}

/** The largest difference, relative to the largest value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) throw new RangeError(`${actual.length} values where ${expected.length} are expected`);
  let difference = 0;
  let size = 0;
  for (let i = 0; i < expected.length; i++) {
    const distance = Math.abs(actual[i]! - expected[i]!);
    difference = Number.isNaN(distance) ? Infinity : Math.max(difference, distance);
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference / size;
}
