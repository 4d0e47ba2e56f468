import { FormatError, type ByteSource } from './byteSource';
import { readCheckpointTree } from './checkpointTree';
import { allocateTensor, bytesInMemory, bytesOf, type TensorData } from './decode';
import { decodePickledArray } from './numpyPickle';
import { decodeTensor, readPieces } from './pieces';
import type { PickleValue } from './pickleValues';
import { endOfView, gatherView, isContiguous } from './strided';
import type { SkippedTensor, Tensor, TensorFile, TensorInfo } from './tensors';
import type { StoredTensor, TorchStorage } from './torchTensors';

/** A view may repeat values (`expand`), so that few bytes become a large tensor; beyond this it is a bomb. */
const repetitionAllowance = 256 * 1024 * 1024;
const repetitionFactor = 4;

/** Where the bytes of a storage are in the file. */
export interface StorageBytes {
  readonly bytes: number;
  /** Offset in the file. @throws {FormatError} when the file denies what its directory says */
  start(): Promise<number>;
}

export interface TorchContents {
  readonly root: PickleValue;
  readonly bigEndian: boolean;
  /** The bytes of a storage, or the reason why there are none. */
  locate(storage: TorchStorage): StorageBytes | string;
}

interface Readable {
  readonly info: TensorInfo;
  read(): Promise<TensorData>;
}

/** The tensors of an object that torch.save wrote, whichever container it is in. Listing reads nothing more. */
export function torchTensorFile(source: ByteSource, { root, bigEndian, locate }: TorchContents): TensorFile {
  const found = readCheckpointTree(root);
  const skipped: SkippedTensor[] = [...found.skipped];
  const readable = new Map<string, Readable>();
  for (const { name, tensor } of found.tensors) {
    const { dtype, shape, elements } = tensor;
    const info: TensorInfo = { name, shape, dtype, bytes: elements * bytesOf(dtype) };
    if ('bytes' in tensor) {
      readable.set(name, { info, read: () => Promise.resolve(decodePickledArray(tensor)) });
      continue;
    }
    const storage = elements === 0 ? nothing : locate(tensor.storage);
    const problem = typeof storage === 'string' ? storage : problemOf(tensor, storage);
    if (typeof storage === 'string' || problem !== null) {
      skipped.push({ name, reason: problem! });
    } else {
      readable.set(name, { info, read: () => readStored(source, name, tensor, storage, bigEndian) });
    }
  }
  return {
    tensors: [...readable.values()].map(({ info }) => info),
    metadata: found.metadata,
    skipped,
    async read(name): Promise<Tensor> {
      const tensor = readable.get(name);
      if (tensor === undefined) {
        const reason = skipped.find((each) => each.name === name)?.reason ?? 'there is no such tensor in the file';
        throw new FormatError(source.name, `tensor ${name}`, reason);
      }
      const { shape, dtype } = tensor.info;
      return { name, shape, dtype, data: await tensor.read() };
    },
  };
}

const nothing: StorageBytes = { bytes: 0, start: () => Promise.resolve(0) };

function problemOf(tensor: StoredTensor, { bytes }: StorageBytes): string | null {
  const { dtype, shape, elements, storage } = tensor;
  const end = storage.start + endOfView(tensor) * bytesOf(dtype);
  if (end > bytes && elements > 0) {
    return `its values end at byte ${end} of storage ${storage.key}, which has only ${bytes}: truncated or damaged`;
  }
  const needed = elements * bytesInMemory(dtype);
  const allowed = repetitionAllowance + repetitionFactor * bytes;
  return needed > allowed ? `its shape [${shape.join(', ')}] repeats ${bytes} bytes until they are ${needed}, more than the ${allowed} allowed` : null;
}

async function readStored(source: ByteSource, name: string, tensor: StoredTensor, location: StorageBytes, bigEndian: boolean): Promise<TensorData> {
  const { dtype, elements, offset, storage } = tensor;
  const place = `tensor ${name}`;
  const size = bytesOf(dtype);
  const base = (await location.start()) + storage.start;
  const readRange = (start: number, count: number) =>
    decodeTensor(source.name, place, { dtype, elements: count, bigEndian }, async (push) => {
      for await (const piece of readPieces(source, base + start * size, count * size)) {
        push(piece);
      }
    });
  let data: TensorData;
  if (elements === 0 || isContiguous(tensor)) {
    data = await readRange(elements === 0 ? 0 : offset, elements);
  } else {
    data = allocate(source.name, place, tensor);
    await gatherView(tensor, data, readRange);
  }
  return withSigns(data, tensor);
}

/** Zeros of the right kind. */
function allocate(fileName: string, place: string, { dtype, elements }: StoredTensor): TensorData {
  try {
    return allocateTensor(dtype, elements);
  } catch (error) {
    throw error instanceof RangeError ? new FormatError(fileName, place, `cannot be put into ${elements * bytesInMemory(dtype)} bytes of memory (${error.message})`) : error;
  }
}

/** torch keeps conjugation and negation as flags until somebody needs the values. */
function withSigns(data: TensorData, { dtype, conjugate, negative }: StoredTensor): TensorData {
  const complex = dtype === 'C64' || dtype === 'C128';
  if (negative && !(data instanceof BigInt64Array) && !(data instanceof BigUint64Array)) {
    for (let i = 0; i < data.length; i++) data[i] = -data[i]!;
  }
  if (conjugate && complex) {
    for (let i = 1; i < data.length; i += 2) data[i] = -data[i]!;
  }
  return data;
}

