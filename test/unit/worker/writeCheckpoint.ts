import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type FloatTensor, safetensorsOf } from '../formats/build';

export interface CheckpointShape {
  readonly epoch: number | null;
  /** Names of the matrices, shallow to deep. Default block0.weight, block1.weight. */
  readonly names?: readonly string[];
  /** Default [64, 56]. */
  readonly shape?: readonly [number, number];
  /** Other numbers for another seed. Default: the epoch. */
  readonly seed?: number;
}

/** Matrices of noise; those of different seeds differ by their last tenth only, so that drift is small. */
export function checkpointBytes({ epoch, names = ['block0.weight', 'block1.weight'], shape = [64, 56], seed = epoch ?? 0 }: CheckpointShape): Buffer {
  const count = shape[0] * shape[1];
  const tensors = names.map((name, layer): [string, FloatTensor] => {
    const values = Array.from({ length: count }, (_, i) => noise(i, layer) + 0.1 * noise(i, 100 + seed));
    return [name, { shape, values }];
  });
  return safetensorsOf(Object.fromEntries(tensors), epoch === null ? {} : { epoch: String(epoch), step: String(epoch * 10) });
}

/** Writes a checkpoint under another name first, then renames it into place. */
export async function writeCheckpoint(file: string, shape: CheckpointShape): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.tmp`, checkpointBytes(shape));
  await rename(`${file}.tmp`, file);
}

function noise(i: number, stream: number): number {
  let z = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 15), 0x2c1b3c6d);
  z = Math.imul(z ^ (z >>> 12), 0x297a2d39);
  return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32 - 0.5;
}
