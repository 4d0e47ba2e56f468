import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ProbeData } from '../protocol';
import { replaceFile } from './probeDataFile';

/** Bumped when other features come out of the same checkpoint and probe data. */
const method = 1;

/** What a folder with results has for features that were extracted. */
const folderName = 'features';
const featuresEnding = /\.[0-9a-f]{16}\.safetensors$/;
/** Below, much of a layer would fall under 2^-14, where half precision loses digits. */
const smallestRootMeanSquare = 2 ** -10;

/** Features as they come out of a model; a sample's views lie one behind another. */
export interface ExtractedFeatures {
  /** Shallow to deep. */
  readonly layers: readonly { readonly name: string; readonly features: { readonly rows: number; readonly columns: number; readonly data: Float32Array } }[];
  /** [rows] index of the sample. */
  readonly sample: Int32Array;
  /** [samples] */
  readonly sampleIds: readonly bigint[];
  /** [samples] 0 = seen in training, 1 = held out. */
  readonly split: Uint8Array;
  /** [samples] class, -1 = not labelled. */
  readonly label: Int32Array;
}

/**
 * Path of the features of a checkpoint within a folder with results, with forward slashes. It follows from the checkpoint's content and from everything
 * that was chosen, so that features of a rewritten checkpoint or of other data are another file.
 * @param checkpoint its path relative to the run
 */
export function featurePath(checkpoint: string, fingerprint: string, data: ProbeData): string {
  const key = createHash('sha1').update(JSON.stringify([method, fingerprint, data])).digest('hex').slice(0, 16);
  return `${folderName}/${checkpoint}.${key}.safetensors`;
}

/** The first of the folders that holds the features, as an absolute path; null when none does. */
export async function findFeatureFile(folders: readonly string[], relativePath: string): Promise<{ readonly file: string; readonly bytes: number; readonly modified: number } | null> {
  for (const folder of folders) {
    const file = path.join(folder, relativePath);
    const found = await stat(file).catch(() => null);
    if (found?.isFile()) return { file, bytes: found.size, modified: found.mtimeMs };
  }
  return null;
}

/**
 * Writes a probe file (safetensors) in one step. A layer is kept in half precision, or in float32 where its range would lose what the layer says, as the
 * companion does.
 * @param metadata beside what every probe says: `layerscope` and `layers`
 */
export async function writeFeatureFile(file: string, { layers, sample, sampleIds, split, label }: ExtractedFeatures, metadata: Readonly<Record<string, string>>): Promise<void> {
  const rows = [sample.length];
  const tensors: { readonly name: string; readonly dtype: string; readonly shape: readonly number[]; readonly data: ArrayBufferView }[] = [
    { name: 'sample_id', dtype: 'I64', shape: rows, data: BigInt64Array.from(sample, (index) => sampleIds[index]!) },
    { name: 'split', dtype: 'I32', shape: rows, data: sample.map((index) => split[index]!) },
    { name: 'label', dtype: 'I32', shape: rows, data: sample.map((index) => label[index]!) },
  ];
  for (const { name, features } of layers) {
    const half = inHalfPrecision(features.data);
    tensors.push({ name, dtype: half === null ? 'F32' : 'F16', shape: [features.rows, features.columns], data: half ?? features.data });
  }
  const header: Record<string, unknown> = { __metadata__: { ...metadata, layerscope: '1', layers: JSON.stringify(layers.map(({ name }) => name)) } };
  let offset = 0;
  for (const { name, dtype, shape, data } of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  await replaceFile(file, [length, text, ...tensors.map(({ data: { buffer, byteOffset, byteLength } }) => new Uint8Array(buffer, byteOffset, byteLength))]);
}

/** Removes features of the same checkpoint of other content or of other data: they are void, and large. @param file the one that stays, absolute */
export async function removeOlderFeatures(file: string): Promise<void> {
  const stem = path.basename(file).replace(featuresEnding, '');
  for (const name of await readdir(path.dirname(file)).catch(() => [])) {
    if (name !== path.basename(file) && name.replace(featuresEnding, '') === stem && name !== stem) await rm(path.join(path.dirname(file), name), { force: true }).catch(() => undefined);
  }
}

/** Removes all features that were extracted into a folder with results; what else lies there stays. */
export async function removeFeatures(folder: string): Promise<void> {
  const inside = path.join(folder, folderName);
  const names = await readdir(inside, { recursive: true }).catch(() => []);
  for (const name of names.filter((each) => featuresEnding.test(each))) await rm(path.join(inside, name), { force: true }).catch(() => undefined);
}

/** Bits of half precision, rounded to the nearest, ties to even; null where its range (6e-5 to 65504) would lose what the layer says. */
function inHalfPrecision(values: Float32Array): Uint16Array | null {
  let [sum, finite] = [0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (Math.abs(value) >= 65_520) return null;
    sum += value * value;
    finite++;
  }
  const rootMeanSquare = finite === 0 ? 0 : Math.sqrt(sum / finite);
  if (rootMeanSquare > 0 && rootMeanSquare < smallestRootMeanSquare) return null;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, halfOf);
}

function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  // Below 2^-14 the step is 2^-24; a number of steps is what a subnormal's bits are.
  if (magnitude < 0x38800000) return sign | roundedToEven(Math.abs(floatOf(magnitude)) * 2 ** 24);
  const rebiased = magnitude - 0x38000000;
  // A carry goes into the exponent, as it should.
  return sign | ((rebiased + 0x0fff + ((rebiased >>> 13) & 1)) >>> 13);
}

const scratch = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

function roundedToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
