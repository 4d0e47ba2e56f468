// Workloads as real F16 probe files: rows are views of samples, half of the samples held out.
// Features are made by a seeded generator, not by training: these are benchmarks of time, and their values mean nothing.
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';

/** W1: layers of 4096 x 768. */
export const workload = { samples: 512, views: 8, width: 768, layers: 12 };
/** With labels, and with layers that are views of the same samples: what the whole suite of measures needs. W2: layers of 8192 x 2048. */
export const labelledWorkloads = {
  W1: { ...workload, classes: 10 },
  W2: { samples: 1024, views: 8, width: 2048, layers: 3, classes: 10 },
};
const latentDimensions = 256;
/** Latent dimensions that decide about the class of a sample. */
const classDimensions = 16;
const seeds = { samples: 999, layer: 1000, classes: 998 };

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

function sampleLatents(samples) {
  return gaussians(samples * latentDimensions, mulberry32(seeds.samples));
}

/** The class of each sample: the random direction that its leading latents lie along most. */
function classesOf({ samples, classes }) {
  const latents = sampleLatents(samples);
  const directions = gaussians(classes * classDimensions, mulberry32(seeds.classes));
  return Int32Array.from({ length: samples }, (_, sample) => {
    const along = Array.from({ length: classes }, (_, one) => {
      let sum = 0;
      for (let j = 0; j < classDimensions; j++) sum += latents[sample * latentDimensions + j] * directions[one * classDimensions + j] * (j + 1) ** -0.7;
      return sum;
    });
    return along.indexOf(Math.max(...along));
  });
}

/** One layer: sample latents with a power-law spectrum, disturbed for each view, mixed into the width, rectified like a hidden layer's half. */
async function features(engine, layer, { samples, views, width, classes }) {
  const random = mulberry32(seeds.layer + layer);
  const rows = samples * views;
  const own = classes ? sampleLatents(samples) : gaussians(samples * latentDimensions, random);
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
export async function writeWorkload(folder, engine, shape = workload) {
  const { samples, views, width, layers } = shape;
  const file = path.join(folder, `${shape === workload ? 'w1' : shape.classes ? 'labelled' : 'workload'}-${layers}x${samples * views}x${width}.safetensors`);
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
  if (shape.classes) declare('label', 'I32', [rows], rows * 4);
  for (let layer = 0; layer < layers; layer++) declare(`layer${layer}`, 'F16', [rows, width], rows * width * 2);
  let text = JSON.stringify(header);
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const ids = Int32Array.from({ length: rows }, (_, row) => 1000 + Math.floor(row / views));
  const split = Int32Array.from({ length: rows }, (_, row) => (Math.floor(row / views) < samples / 2 ? 0 : 1));
  const ofSamples = shape.classes ? classesOf(shape) : [];
  const labels = shape.classes ? [Int32Array.from({ length: rows }, (_, row) => ofSamples[Math.floor(row / views)])] : [];

  const handle = await open(`${file}.part`, 'w');
  try {
    await handle.write(length);
    await handle.write(text);
    for (const values of [ids, split, ...labels]) await handle.write(new Uint8Array(values.buffer));
    for (let layer = 0; layer < layers; layer++) {
      await handle.write(new Uint8Array(toHalf(await features(engine, layer, shape)).buffer));
    }
  } finally {
    await handle.close();
  }
  await rename(`${file}.part`, file);
  return file;
}

/** An earlier checkpoint of the same probe, unless it is there: each name holds the features of the next layer. Answers with the path. */
export async function writePreviousWorkload(file) {
  const previous = file.replace(/\.safetensors$/, '-previous.safetensors');
  if (await stat(previous).then(() => true, () => false)) return previous;
  const handle = await open(file);
  const length = Buffer.alloc(8);
  await handle.read(length, 0, 8, 0);
  const bytes = Number(length.readBigUInt64LE());
  const header = Buffer.alloc(bytes);
  await handle.read(header, 0, bytes, 8);
  await handle.close();
  const tensors = JSON.parse(header.toString());
  const layers = JSON.parse(tensors.__metadata__.layers);
  const moved = Object.fromEntries(layers.map((layer, index) => [layer, tensors[layers[(index + 1) % layers.length]]]));
  let text = JSON.stringify({ ...tensors, ...moved });
  text += ' '.repeat((8 - (text.length % 8)) % 8);
  length.writeBigUInt64LE(BigInt(text.length));
  const output = createWriteStream(`${previous}.part`);
  output.write(length);
  output.write(text);
  await pipeline(createReadStream(file, { start: 8 + bytes }), output);
  await rename(`${previous}.part`, previous);
  return previous;
}
