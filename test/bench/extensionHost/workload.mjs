import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const layers = 12;
const samples = 512;
const views = 8;
const width = 768;
const rows = samples * views;

/**
 * Writes workload W1 as a run: one probe of 12 layers of 4096 rows (512 samples x 8 views, half held out) x 768 in F16. Rows of one sample share
 * a direction, so that every metric has something to find; its values have no meaning beyond that.
 */
export async function writeWorkload(folder) {
  const random = seeded(1);
  const bytesOfLayer = rows * width * 2;
  const integers = ['sample_id', 'split'].map((name, index) => [name, Int32Array.from({ length: rows }, (_, row) => (index === 0 ? row / views : (row / views) % 2) | 0)]);
  const header = {
    __metadata__: { layerscope: '1', epoch: '1', layers: JSON.stringify(Array.from({ length: layers }, (_, layer) => `block${layer}`)) },
  };
  let offset = 0;
  const place = (name, dtype, shape, bytes) => {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  };
  for (const [name, values] of integers) place(name, 'I32', [rows], values.byteLength);
  for (let layer = 0; layer < layers; layer += 1) place(`block${layer}`, 'F16', [rows, width], bytesOfLayer);
  const json = JSON.stringify(header);
  const text = json.padEnd(Math.ceil(json.length / 8) * 8, ' ');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const parts = [size, Buffer.from(text), ...integers.map(([, values]) => Buffer.from(values.buffer))];
  for (let layer = 0; layer < layers; layer += 1) parts.push(features(random));
  await mkdir(path.join(folder, 'w1', 'probes'), { recursive: true });
  await writeFile(path.join(folder, 'w1', 'probes', 'epoch=0001.safetensors'), Buffer.concat(parts));
}

function features(random) {
  const out = new Uint16Array(rows * width);
  const centre = new Float64Array(width);
  for (let row = 0; row < rows; row += 1) {
    if (row % views === 0) for (let column = 0; column < width; column += 1) centre[column] = random();
    for (let column = 0; column < width; column += 1) out[row * width + column] = half(centre[column] + 0.5 * random());
  }
  return Buffer.from(out.buffer);
}

/** Sum of four uniform numbers of a linear congruential generator, centred: close enough to a normal distribution here. */
function seeded(seed) {
  let state = seed >>> 0;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return () => uniform() + uniform() + uniform() + uniform() - 2;
}

const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Bits of the half-precision number below or at `value` in magnitude; everything under 2^-14 becomes zero. */
function half(value) {
  single[0] = value;
  const exponent = ((bits[0] >>> 23) & 255) - 112;
  return ((bits[0] >>> 16) & 0x8000) | (exponent <= 0 ? 0 : (exponent << 10) | ((bits[0] >>> 13) & 1023));
}
