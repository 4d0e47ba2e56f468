// A checkpoint of the size of ViT-B/16 (86.6 million parameters, timm's names), made by a seeded generator and not by training: Gaussian weights of
// standard deviation 0.02 with 24 directions of power-law strength in each matrix, so that spectra have a bulk and a tail. Its values mean nothing.
import { mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';

const width = 768;
const directions = 24;

/** Layers in the order of the network: name and shape. */
export function vitBase(blocks = 12) {
  return [
    ['patch_embed.proj', [width, 3, 16, 16]],
    ...Array.from({ length: blocks }, (_, i) => [
      [`blocks.${i}.attn.qkv`, [3 * width, width]],
      [`blocks.${i}.attn.proj`, [width, width]],
      [`blocks.${i}.mlp.fc1`, [4 * width, width]],
      [`blocks.${i}.mlp.fc2`, [width, 4 * width]],
    ]).flat(),
    ['head', [1000, width]],
  ];
}

function gaussianStream(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  let spare = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const [radius, angle] = [Math.sqrt(-2 * Math.log(1 - uniform())), 2 * Math.PI * uniform()];
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

function weights(index, [rows, ...others]) {
  const columns = others.reduce((product, length) => product * length, 1);
  const next = gaussianStream(7000 + index);
  const values = Float32Array.from({ length: rows * columns }, () => 0.02 * next());
  for (let k = 0; k < directions; k++) {
    const strength = 2.5 * (k + 1) ** -0.6;
    const [left, right] = [rows, columns].map((length) => Float64Array.from({ length }, () => next() / Math.sqrt(length)));
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) values[i * columns + j] += strength * left[i] * right[j];
  }
  return values;
}

/** Writes the file unless it is there. Answers with the path. */
export async function writeVitBase(folder) {
  const file = path.join(folder, 'vit-b-16.safetensors');
  if (await stat(file).then(() => true, () => false)) return file;
  await mkdir(folder, { recursive: true });
  const tensors = [['cls_token', [1, 1, width]], ['pos_embed', [1, 197, width]]];
  const vectors = (name, length) => tensors.push([`${name}.bias`, [length]]);
  for (const [name, shape] of vitBase()) {
    tensors.push([`${name}.weight`, shape]);
    vectors(name, shape[0]);
  }
  for (let i = 0; i < 12; i++) for (const norm of ['norm1', 'norm2']) for (const part of ['weight', 'bias']) tensors.push([`blocks.${i}.${norm}.${part}`, [width]]);
  tensors.push(['norm.weight', [width]], ['norm.bias', [width]]);
  const header = { __metadata__: { epoch: '1' } };
  let offset = 0;
  for (const [name, shape] of tensors) {
    const bytes = 4 * shape.reduce((product, length) => product * length, 1);
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const handle = await open(`${file}.part`, 'w');
  try {
    await handle.write(length);
    await handle.write(text);
    for (const [index, [, shape]] of tensors.entries()) {
      const values = shape.length > 1 ? weights(index, shape) : new Float32Array(shape[0]);
      await handle.write(new Uint8Array(values.buffer));
    }
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  return file;
}
