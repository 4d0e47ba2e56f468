import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { explainSystemError, FormatError } from '../formats';
import { pictureOfBytes, type ImageSet } from './picture';

/** MNIST and its relatives have 47 MB of images. */
const largestFile = 2e9;
const unzip = promisify(gunzip);

/** The bytes of a file, unpacked when they are gzipped. */
async function contentOf(file: string): Promise<Uint8Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new FormatError(file, '', explainSystemError(error));
  });
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  return unzip(bytes, { maxOutputLength: largestFile }).catch((error: unknown) => {
    throw new FormatError(file, '', `cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  });
}

/** An idx file of bytes (yann.lecun.com/exdb/mnist): 0, 0, 8, number of axes, then each length as 32 bits, most significant byte first. */
async function readIdx(file: string, axes: number): Promise<{ readonly shape: number[]; readonly values: Uint8Array }> {
  const bytes = await contentOf(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 + 4 * axes || view.getUint32(0) !== 0x800 + axes) {
    throw new FormatError(file, 'byte 0', `is no idx file of bytes with ${axes} axes`);
  }
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  const values = bytes.subarray(4 + 4 * axes);
  if (values.length !== size) throw new FormatError(file, `byte ${4 + 4 * axes}`, `[${shape.join(', ')}] bytes should follow, but ${values.length} do`);
  return { shape, values };
}

export const idxName = /idx3-ubyte(?:\.gz)?$/i;

/** MNIST, Fashion-MNIST, KMNIST, EMNIST: the labels are in the file beside it that is called the same with `labels-idx1`, where there is one. */
export async function openIdx(file: string): Promise<ImageSet> {
  const { shape, values } = await readIdx(file, 3);
  const [count, height, width] = shape as [number, number, number];
  const beside = file.replace(/images([-.])idx3/i, 'labels$1idx1');
  const labels = beside === file ? null : await readIdx(beside, 1).catch((error: unknown) => {
    if (error instanceof FormatError && error.place === '') return null;
    throw error;
  });
  if (labels !== null && labels.shape[0] !== count) throw new FormatError(beside, '', `has ${labels.shape[0]} labels for ${count} images`);
  return {
    name: file,
    count,
    label: (index) => labels?.values[index] ?? -1,
    async read(index) {
      return pictureOfBytes(values.subarray(index * height * width, (index + 1) * height * width), width, height, 1, 1);
    },
  };
}

const cifarSide = 32;
const cifarPixels = cifarSide * cifarSide;
export const cifarName = /(?:^|[\\/])(?:data_batch_\d+|test_batch|train|test)\.bin$/i;

/**
 * CIFAR-10 and CIFAR-100, binary version (cs.toronto.edu/~kriz/cifar.html): a label (CIFAR-100: coarse and fine, of which the fine one is taken), then all
 * red, green and blue bytes of one image.
 */
export async function openCifar(file: string): Promise<ImageSet> {
  const bytes = await contentOf(file);
  const [ten, hundred] = [1, 2].map((labels) => bytes.length > 0 && bytes.length % (labels + 3 * cifarPixels) === 0);
  // CIFAR-100 has files train.bin and test.bin; a size that both divide is told by the name.
  const labels = hundred && (!ten || /(?:train|test)\.bin$/i.test(file)) ? 2 : 1;
  if (!ten && !hundred) throw new FormatError(file, '', `has ${bytes.length} bytes, which is no multiple of the 3073 of a CIFAR-10 image or the 3074 of a CIFAR-100 one`);
  const record = labels + 3 * cifarPixels;
  return {
    name: file,
    count: bytes.length / record,
    label: (index) => bytes[index * record + labels - 1]!,
    async read(index) {
      const start = index * record + labels;
      return { width: cifarSide, height: cifarSide, channels: 3, data: Float32Array.from(bytes.subarray(start, start + 3 * cifarPixels), (value) => value / 255) };
    },
  };
}
