import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'layerscope-test-'));
}

export interface TensorSpec {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A safetensors file: length of the header as uint64, header, values. */
export function safetensors(tensors: Readonly<Record<string, TensorSpec>>, metadata: Readonly<Record<string, string>> = {}): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

export function f32(shape: readonly number[], valueAt: (index: number) => number): TensorSpec {
  const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, index) => valueAt(index));
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer) };
}

export function i32(values: readonly number[]): TensorSpec {
  return { dtype: 'I32', shape: [values.length], bytes: new Uint8Array(Int32Array.from(values).buffer) };
}

export interface ProbeSpec {
  readonly epoch: number;
  readonly layers?: readonly string[];
  /** Half of them held out. */
  readonly samples?: number;
  readonly views?: number;
  readonly width?: number;
  readonly valueAt?: (layer: number, index: number) => number;
}

/** A small probe file: views of a sample lie side by side; features are a fixed pattern that differs from layer to layer. */
export function probe({ epoch, layers = ['block0', 'block1', 'block2'], samples = 16, views = 4, width = 6, valueAt }: ProbeSpec): Buffer {
  const rows = samples * views;
  const features = valueAt ?? ((layer, index) => Math.sin(1.7 * index + 0.3 * layer + Math.floor(index / (views * width)) * 2.1 + 0.01 * epoch));
  return safetensors(
    {
      ...Object.fromEntries(layers.map((name, layer) => [name, f32([rows, width], (index) => features(layer, index))])),
      sample_id: i32(Array.from({ length: rows }, (_, row) => Math.floor(row / views))),
      split: i32(Array.from({ length: rows }, (_, row) => (row < rows / 2 ? 0 : 1))),
    },
    { layerscope: '1', epoch: String(epoch), layers: JSON.stringify(layers) },
  );
}

/** Writes files into a folder, making the folders between. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}
