import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Writes images [count, channels, side, side] as `.npy`, the sine of 0.37 times each value's place counted from `first`: those of test/fixtures/make_models.py. */
export async function writeImages(file: string, { count, channels, side, first = 0 }: { readonly count: number; readonly channels: number; readonly side: number; readonly first?: number }): Promise<void> {
  const values = Float32Array.from({ length: count * channels * side * side }, (_, place) => Math.sin(0.37 * (first + place)));
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${count}, ${channels}, ${side}, ${side}), }`;
  const text = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(text.length, 8);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, Buffer.concat([start, Buffer.from(text), Buffer.from(values.buffer)]));
}
