import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

export interface ProbeShape {
  readonly epoch: number;
  /** Names, shallow to deep. Default block0, block1, block2. */
  readonly layers?: readonly string[];
  /** Half of them are held out. Default 16. */
  readonly samples?: number;
  /** Default 8. */
  readonly views?: number;
  /** Width of every layer. Default 8. */
  readonly width?: number;
  /** Other numbers for another seed. Default: the epoch. */
  readonly seed?: number;
  /** Id of the first sample; the others follow. Default 0. */
  readonly firstId?: number;
  /** Whether the file itself says where in training it is. Default true. */
  readonly isPlaced?: boolean;
  /** Whether samples have classes: their numbers modulo 3. Default false. */
  readonly isLabelled?: boolean;
}

/** A small probe as safetensors: noise around one centre a sample, different for each layer, split and seed. */
export function probeBytes({ epoch, layers = ['block0', 'block1', 'block2'], samples = 16, views = 8, width = 8, seed = epoch, firstId = 0, isPlaced = true, isLabelled = false }: ProbeShape): Buffer {
  const rows = samples * views;
  const random = pseudoRandom(seed + 1);
  const tensors: { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly bytes: Buffer }[] = layers.map((name) => {
    const centres = Float32Array.from({ length: samples * width }, () => random() - 0.5);
    const values = Float32Array.from({ length: rows * width }, (_, i) => {
      const sample = Math.floor(i / width / views);
      return (centres[sample * width + (i % width)] ?? 0) + 0.3 * (random() - 0.5);
    });
    return { name, dtype: 'F32', shape: [rows, width], bytes: Buffer.from(values.buffer) };
  });
  const perRow = (value: (sample: number) => number): Buffer =>
    Buffer.from(Int32Array.from({ length: rows }, (_, row) => value(Math.floor(row / views))).buffer);
  tensors.push({ name: 'sample_id', dtype: 'I32', shape: [rows], bytes: perRow((sample) => firstId + sample) });
  tensors.push({ name: 'split', dtype: 'I32', shape: [rows], bytes: perRow((sample) => (sample < samples / 2 ? 0 : 1)) });
  if (isLabelled) tensors.push({ name: 'label', dtype: 'I32', shape: [rows], bytes: perRow((sample) => sample % 3) });
  const header: Record<string, unknown> = {
    __metadata__: { ...(isPlaced && { epoch: String(epoch), step: String(epoch * 10) }), layers: JSON.stringify(layers), layerscope: '1' },
  };
  let offset = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...tensors.map(({ bytes }) => bytes)]);
}

/** Writes a probe the way most recorders do: under another name first, then renamed into place. */
export async function writeProbe(file: string, shape: ProbeShape): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.tmp`, probeBytes(shape));
  await rename(`${file}.tmp`, file);
}

function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
