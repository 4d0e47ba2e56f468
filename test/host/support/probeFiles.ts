import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { pause } from './waiting';

/** The bytes of a safetensors probe with another epoch in its metadata; everything else stays as recorded. */
export async function probeOfEpoch(file: string, epoch: number): Promise<Buffer> {
  const bytes = await readFile(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as { __metadata__: Record<string, string> };
  header.__metadata__ = { ...header.__metadata__, epoch: String(epoch), step: String(2 * epoch) };
  const json = JSON.stringify(header);
  // The format wants the data to begin at a multiple of eight.
  const text = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8, ' '));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, bytes.subarray(8 + length)]);
}

/** Writes a file the way most savers do: beside its place first, then renamed into it. */
export async function writeAndRename(file: string, bytes: Buffer): Promise<void> {
  await writeFile(`${file}.tmp`, bytes);
  await rename(`${file}.tmp`, file);
}

/** Writes a file in pieces over `duration` milliseconds, in its final place, the way a slow disk or network would. */
export async function writeSlowly(file: string, bytes: Buffer, duration: number): Promise<void> {
  const pieces = 12;
  const handle = await open(file, 'w');
  try {
    for (let piece = 0; piece < pieces; piece += 1) {
      const from = Math.floor((bytes.length * piece) / pieces);
      const to = Math.floor((bytes.length * (piece + 1)) / pieces);
      await handle.write(bytes.subarray(from, to));
      await pause(duration / pieces);
    }
  } finally {
    await handle.close();
  }
}
