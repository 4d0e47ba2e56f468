import { FormatError, type ByteSource } from './byteSource';
import { bytesOf, float16 } from './decode';
import { explainGitLfsPointer } from './gitLfs';
import { staysInside } from './insideFolder';
import { decodeTensor, readPieces } from './pieces';
import type { TensorFormat } from './registry';
import { elementsOf } from './shape';
import type { DType, OpenSibling, SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';

/** The topology of a large model takes a few megabytes; the weights are elsewhere. */
const largestModel = 256 * 1024 * 1024;
/** tfjs-converter cuts shards of 4 MB. */
const mostShards = 100_000;
const mostTensors = 1_000_000;

const types: Readonly<Record<string, DType>> = {
  float32: 'F32', int32: 'I32', bool: 'BOOL', complex64: 'C64', uint8: 'U8', int8: 'I8', uint16: 'U16', int16: 'I16', float16: 'F16',
};

interface Quantization {
  readonly stored: 'U8' | 'U16' | 'F16';
  readonly scale: number;
  readonly minimum: number;
}

interface ManifestTensor extends TensorInfo {
  readonly elements: number;
  /** Which group of shards, and where in their joined bytes. */
  readonly paths: readonly string[];
  readonly offset: number;
  readonly quantization: Quantization | null;
}

/**
 * TensorFlow.js: model.json, whose weightsManifest says which tensors lie one behind another in which shards (tfjs-core/src/io/types.ts). The shards are
 * opened when a tensor is read. Quantised tensors come out as tfjs gives them: float32 or int32.
 */
export const tensorFlowJs: TensorFormat = {
  kind: 'tensors',
  id: 'tensorFlowJs',
  label: 'TensorFlow.js',
  mayBe: (name) => /model[^/]*\.json$/i.test(name) && !/\.index\.json$/i.test(name),
  matches: ({ head, size }) => {
    const text = Buffer.from(head).toString('latin1');
    if (!/^\s*\{/.test(text) || explainGitLfsPointer(head) !== null) {
      return false;
    }
    // In a longer file the manifest comes behind the topology, out of sight.
    return /"weightsManifest"\s*:/.test(text) || (size > head.length && /"modelTopology"\s*:/.test(text));
  },
  open: async (source, openSibling) => openModel(source, openSibling),
};

async function openModel(source: ByteSource, openSibling: OpenSibling): Promise<TensorFile> {
  const model = await readModel(source);
  const { tensors, skipped } = listManifest(source, model['weightsManifest']);
  const opened = new Map<string, Promise<ByteSource>>();
  const shardOf = (path: string) => {
    const shard = opened.get(path) ?? openSibling(path);
    opened.set(path, shard);
    shard.catch(() => opened.delete(path));
    return shard;
  };
  return {
    tensors: [...tensors.values()].map(({ name, shape, dtype, bytes }) => ({ name, shape, dtype, bytes })),
    metadata: Object.fromEntries(['format', 'generatedBy', 'convertedBy'].flatMap((key) => (typeof model[key] === 'string' ? [[key, model[key]]] : []))),
    skipped,
    async read(name): Promise<Tensor> {
      const place = `tensor ${name}`;
      const tensor = tensors.get(name);
      if (tensor === undefined) {
        throw new FormatError(source.name, place, skipped.find((each) => each.name === name)?.reason ?? 'there is no such tensor in the manifest');
      }
      const ranges = await rangesOf(source, tensor, shardOf);
      const { shape, dtype, quantization } = tensor;
      const data = await decodeTensor(source.name, place, tensor, async (push) => {
        const take = quantization === null ? push : dequantizer(quantization, dtype, push);
        for (const { shard, start, length } of ranges) {
          for await (const piece of readPieces(shard, start, length)) take(piece);
        }
      });
      return { name, shape, dtype, data };
    },
  };
}

async function readModel(source: ByteSource): Promise<Record<string, unknown>> {
  if (source.size > largestModel) {
    throw new FormatError(source.name, '', `has ${source.size} bytes, more than the limit of ${largestModel} for a model.json`);
  }
  let model: unknown;
  try {
    model = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.read(0, source.size)));
  } catch (error) {
    if (error instanceof FormatError) {
      throw error;
    }
    // Node quotes the text in its message, which may be any bytes at all.
    throw new FormatError(source.name, '', `is not JSON (${String(error instanceof Error ? error.message : error).replace(/[^\x20-\x7e]/g, '?').slice(0, 120)})`);
  }
  if (!isRecord(model) || !Array.isArray(model['weightsManifest'])) {
    throw new FormatError(source.name, 'weightsManifest', 'there is no list of weights: not a model of TensorFlow.js');
  }
  return model;
}

interface Listed {
  readonly tensors: Map<string, ManifestTensor>;
  readonly skipped: SkippedTensor[];
}

function listManifest(source: ByteSource, manifest: unknown): Listed {
  const tensors = new Map<string, ManifestTensor>();
  const skipped: SkippedTensor[] = [];
  for (const [number, group] of (manifest as unknown[]).entries()) {
    const place = `weightsManifest[${number}]`;
    const { paths, weights } = isRecord(group) ? group : {};
    if (!isTexts(paths) || !Array.isArray(weights)) {
      throw new FormatError(source.name, place, 'has no lists of paths and weights');
    }
    if (paths.length > mostShards || weights.length > mostTensors) {
      throw new FormatError(source.name, place, `lists ${paths.length} shards and ${weights.length} weights, more than the limits of ${mostShards} and ${mostTensors}`);
    }
    const outside = paths.find((path) => !staysInside(path));
    let offset: number | null = 0;
    for (const weight of weights) {
      const name = isRecord(weight) && typeof weight['name'] === 'string' ? weight['name'] : '';
      const tensor: ManifestTensor | string = offset === null ? 'lies behind a tensor whose size is not known' : tensorOf(name, weight, paths, offset);
      if (typeof tensor === 'string') {
        skipped.push({ name, reason: tensor });
        offset = null;
        continue;
      }
      offset = tensor.offset + tensor.bytes;
      if (outside !== undefined) skipped.push({ name, reason: `is said to be in ${JSON.stringify(outside)}, which is outside of the folder` });
      else if (tensors.has(name)) skipped.push({ name, reason: 'occurs twice; the first is read' });
      else tensors.set(name, tensor);
    }
  }
  return { tensors, skipped };
}

/** @returns the reason where it is not read; then the size is not known either */
function tensorOf(name: string, weight: unknown, paths: readonly string[], offset: number): ManifestTensor | string {
  const { shape, dtype: typeName, quantization: quantized } = isRecord(weight) ? weight : {};
  if (!Array.isArray(shape) || !shape.every((size) => typeof size === 'number')) {
    return 'its shape is not a list of numbers';
  }
  const elements = elementsOf(shape as number[]);
  if (typeof elements === 'string') {
    return elements;
  }
  const dtype = typeof typeName === 'string' && Object.hasOwn(types, typeName) ? types[typeName]! : null;
  if (dtype === null) {
    return `its type ${JSON.stringify(typeName)} is not read`;
  }
  const quantization = quantized === undefined ? null : quantizationOf(quantized, dtype);
  if (typeof quantization === 'string') {
    return quantization;
  }
  const bytes = elements * bytesOf(quantization?.stored ?? dtype);
  return { name, shape: shape as number[], dtype, bytes, elements, paths, offset, quantization };
}

function quantizationOf(value: unknown, dtype: DType): Quantization | string {
  const { dtype: storedName, scale, min } = isRecord(value) ? value : {};
  if (dtype !== 'F32' && dtype !== 'I32') {
    return `is quantised, but of type ${dtype}`;
  }
  if (storedName === 'float16') {
    return dtype === 'F32' ? { stored: 'F16', scale: 1, minimum: 0 } : `is quantised as float16, but of type ${dtype}`;
  }
  if ((storedName !== 'uint8' && storedName !== 'uint16') || typeof scale !== 'number' || typeof min !== 'number') {
    return `its quantisation ${JSON.stringify(value)?.slice(0, 120)} is not read`;
  }
  return { stored: storedName === 'uint8' ? 'U8' : 'U16', scale, minimum: min };
}

/** Turns stored bytes into those of float32 or int32, as tfjs-core/src/io/io_utils.ts does. A piece may tear an element. */
function dequantizer({ stored, scale, minimum }: Quantization, dtype: DType, push: (bytes: Uint8Array) => void): (bytes: Uint8Array) => void {
  let torn: number | null = null;
  const value = stored === 'F16' ? float16 : (bits: number) => bits * scale + minimum;
  return (bytes) => {
    const size = stored === 'U8' ? 1 : 2;
    const values = dtype === 'F32' ? new Float32Array(Math.ceil(bytes.length / size) + 1) : new Int32Array(Math.ceil(bytes.length / size) + 1);
    let count = 0;
    const add = (bits: number) => {
      const number = value(bits);
      values[count++] = dtype === 'I32' ? Math.round(number) : number;
    };
    if (size === 1) {
      for (const bits of bytes) add(bits);
    } else {
      for (const byte of bytes) {
        if (torn === null) {
          torn = byte;
        } else {
          add(torn | (byte << 8));
          torn = null;
        }
      }
    }
    push(new Uint8Array(values.buffer, 0, 4 * count));
  };
}

interface ShardRange {
  readonly shard: ByteSource;
  readonly start: number;
  readonly length: number;
}

/** A tensor may begin in one shard and end in another; how long they are only the shards know. */
async function rangesOf(source: ByteSource, { name, paths, offset, bytes }: ManifestTensor, shardOf: (path: string) => Promise<ByteSource>): Promise<ShardRange[]> {
  const ranges: ShardRange[] = [];
  let before = 0;
  for (const path of paths) {
    if (before >= offset + bytes) {
      break;
    }
    const shard = await shardOf(path);
    const start = Math.max(0, offset - before);
    const length = Math.min(shard.size, offset + bytes - before) - start;
    if (length > 0) {
      ranges.push({ shard, start, length });
    }
    before += shard.size;
  }
  if (before < offset + bytes) {
    throw new FormatError(source.name, `tensor ${name}`, `its values end at byte ${offset + bytes} of the shards, which have only ${before}`);
  }
  return ranges;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
