import { FormatError, type Tensor, type TensorFile } from '../formats';
import { pictureOfBytes, type ImageSet, type Picture } from './picture';

const imageNames = ['images', 'image', 'x', 'data', 'arr_0'];
const labelNames = ['labels', 'label', 'y', 'targets', 'target'];
/** 50,000 images of 64 px in float32 are 2.5 GB; more than this is better kept as files. */
const largestArray = 4e9;

/**
 * Images of an array: [images, height, width] or with channels (1, 3 or 4) on the second or last axis. Whole numbers are divided by 255, real ones are taken
 * as they are. In a file of several arrays, the images are called `images` (or `x`, `data`), or are the only array of three axes or more; `labels` (or `y`)
 * are their classes.
 * @throws {FormatError} when there is no such array
 */
export async function openImageArrays(name: string, file: TensorFile): Promise<ImageSet> {
  const candidates = file.tensors.filter(({ shape }) => shape.length === 3 || shape.length === 4);
  const called = imageNames.map((wanted) => candidates.find((tensor) => tensor.name === wanted)).find((tensor) => tensor !== undefined);
  const info = called ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (info === undefined) {
    const found = file.tensors.map((tensor) => `${tensor.name} [${tensor.shape.join(', ')}]`).join(', ');
    throw new FormatError(name, '', `holds no array that is surely images: one called ${imageNames.join(', ')}, or a single one of 3 or 4 axes (it holds ${found})`);
  }
  if (info.bytes > largestArray) throw new FormatError(name, `tensor ${info.name}`, `takes ${info.bytes} bytes, more than the limit of ${largestArray}`);
  const count = info.shape[0]!;
  const labels = file.tensors.find((tensor) => labelNames.includes(tensor.name) && tensor.shape.length === 1 && tensor.shape[0] === count);
  const layout = layoutOf(name, info);
  const values = (await file.read(info.name)).data;
  const classes = labels === undefined ? null : (await file.read(labels.name)).data;
  return {
    name,
    count,
    label: (index) => (classes === null ? -1 : Number(classes[index]!)),
    async read(index) {
      return pictureOf(values, index, layout);
    },
  };
}

interface Layout {
  readonly height: number;
  readonly width: number;
  readonly stored: number;
  readonly channelsLast: boolean;
}

function layoutOf(name: string, { name: array, shape, dtype }: { readonly name: string; readonly shape: readonly number[]; readonly dtype: string }): Layout {
  const [, first = 0, second = 0, third = 1] = shape;
  if (shape.length === 3) return { height: first, width: second, stored: 1, channelsLast: true };
  const isChannels = (size: number) => size === 1 || size === 3 || size === 4;
  // Where both could be: images are kept as bytes with channels last, as prepared input with channels first.
  if (isChannels(third) && (!isChannels(first) || dtype === 'U8')) return { height: first, width: second, stored: third, channelsLast: true };
  if (isChannels(first)) return { height: second, width: third, stored: first, channelsLast: false };
  throw new FormatError(name, `tensor ${array}`, `has the shape [${shape.join(', ')}]; images have 1, 3 or 4 channels on the second or last axis`);
}

function pictureOf(values: Tensor['data'], index: number, { height, width, stored, channelsLast }: Layout): Picture {
  const size = height * width;
  const channels = stored >= 3 ? 3 : 1;
  const start = index * size * stored;
  const isReal = values instanceof Float32Array || values instanceof Float64Array;
  if (channelsLast && values instanceof Uint8Array) return pictureOfBytes(values.subarray(start, start + size * stored), width, height, stored, channels);
  const data = new Float32Array(channels * size);
  for (let channel = 0; channel < channels; channel++) {
    for (let pixel = 0; pixel < size; pixel++) {
      const value = Number(values[start + (channelsLast ? pixel * stored + channel : channel * size + pixel)]!);
      data[channel * size + pixel] = isReal ? value : value / 255;
    }
  }
  return { width, height, channels, data };
}
