// Workload W1: layers of 4096 rows (512 samples x 8 views, half of the samples held out) x 768, as a real F16 probe file.
// Features are made by a seeded generator, not by training: this is a benchmark of time, and its values mean nothing.
import { mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';

export const workload = { samples: 512, views: 8, width: 768, layers: 12 };
const latentDimensions = 256;

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function gaussians(count, random) {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) values[i] = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return values;
}

/** One layer: sample latents with a power-law spectrum, disturbed for each view, mixed into the width, rectified like a hidden layer's half. */
async function features(engine, layer, { samples, views, width }) {
  const random = mulberry32(1000 + layer);
  const rows = samples * views;
  const own = gaussians(samples * latentDimensions, random);
  const disturbed = gaussians(rows * latentDimensions, random);
  for (let row = 0; row < rows; row++) {
    const sample = Math.floor(row / views);
    for (let j = 0; j < latentDimensions; j++) {
      const at = row * latentDimensions + j;
      disturbed[at] = (own[sample * latentDimensions + j] + 0.5 * disturbed[at]) * (j + 1) ** -0.7;
    }
  }
  const mixing = gaussians(latentDimensions * width, random);
  const mixed = await engine.gemm({ rows, columns: latentDimensions, data: disturbed }, { rows: latentDimensions, columns: width, data: mixing });
  const noise = gaussians(rows * width, random);
  for (let i = 0; i < noise.length; i++) {
    const value = mixed.data[i] + 0.1 * noise[i] + 0.2;
    mixed.data[i] = layer % 2 === 0 ? value : Math.max(0, value);
  }
  return mixed.data;
}

/** To half precision, rounding to nearest even; these values neither overflow nor matter below the normal range. */
function toHalf(values) {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const sign = (bits[i] >>> 16) & 0x8000;
    const magnitude = bits[i] & 0x7fffffff;
    const rebased = magnitude - 0x38000000;
    halves[i] = sign | (rebased <= 0 ? 0 : (rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
  }
  return halves;
}

/** Writes the workload unless it is there. Answers with the path. */
export async function writeWorkload(folder, engine) {
  const { samples, views, width, layers } = workload;
  const file = path.join(folder, `w1-${layers}x${samples * views}x${width}.safetensors`);
  if (await stat(file).then(() => true, () => false)) return file;
  await mkdir(folder, { recursive: true });
  const rows = samples * views;
  const header = { __metadata__: { epoch: '1', layerscope: '1', layers: JSON.stringify(Array.from({ length: layers }, (_, i) => `layer${i}`)) } };
  let offset = 0;
  const declare = (name, dtype, shape, bytes) => {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  };
  declare('sample_id', 'I32', [rows], rows * 4);
  declare('split', 'I32', [rows], rows * 4);
  for (let layer = 0; layer < layers; layer++) declare(`layer${layer}`, 'F16', [rows, width], rows * width * 2);
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const ids = Int32Array.from({ length: rows }, (_, row) => 1000 + Math.floor(row / views));
  const split = Int32Array.from({ length: rows }, (_, row) => (Math.floor(row / views) < samples / 2 ? 0 : 1));

  const handle = await open(`${file}.part`, 'w');
  try {
    await handle.write(length);
    await handle.write(text);
    for (const values of [ids, split]) await handle.write(new Uint8Array(values.buffer));
    for (let layer = 0; layer < layers; layer++) {
      await handle.write(new Uint8Array(toHalf(await features(engine, layer, workload)).buffer));
    }
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  return file;
}
