import { Random, randomPurpose } from '../linalg';
import { randomView, type AugmentationOptions } from './augmentation';
import type { Batch } from './modelSession';
import { withChannels, type ImageSet, type Picture } from './picture';
import { resizeAndCrop } from './resizing';

/** How an image becomes the input of a model. */
export interface PreparationOptions {
  readonly channels: number;
  /** [height, width] in pixels. */
  readonly size: readonly [number, number];
  /** Pixels of the shorter side before the middle is cut out. Default: the shorter side of `size`. MAE and ImageNet practice have 256 for 224. */
  readonly resize?: number;
  /** Subtracted from each channel. Default: ImageNet's for three channels, 0 for one. */
  readonly mean?: readonly number[];
  /** Divided by, per channel. Default: ImageNet's for three channels, 1 for one. */
  readonly deviation?: readonly number[];
}

/** Of ImageNet's training images, as torchvision, timm and MAE use them. */
const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** One image of a probe. */
export interface ProbeSample {
  readonly set: ImageSet;
  readonly index: number;
  /** The same at every checkpoint, and of no other sample; seeds follow it. */
  readonly id: bigint;
  /** 0 = seen in training, 1 = held out. */
  readonly split: 0 | 1;
}

/**
 * Chooses samples of the images that were trained on and of others, without repetition.
 * @param count of each part; fewer where there are not so many
 * @returns training samples first; ids are places in the sets, those of held-out images counted on behind the last one of training
 */
export function chooseSamples(train: ImageSet, heldOut: ImageSet | null, count: number, seed: number): ProbeSample[] {
  const choose = (set: ImageSet, split: 0 | 1, first: number): ProbeSample[] => {
    const random = new Random(randomPurpose.samples, seed, split);
    const places = Array.from({ length: set.count }, (_, index) => index);
    const wanted = Math.min(count, set.count);
    for (let i = 0; i < wanted; i++) {
      const other = i + random.below(places.length - i);
      [places[i], places[other]] = [places[other]!, places[i]!];
    }
    return places.slice(0, wanted).sort((a, b) => a - b).map((index) => ({ set, index, id: BigInt(first + index), split }));
  };
  return [...choose(train, 0, 0), ...(heldOut === null ? [] : choose(heldOut, 1, train.count))];
}

export interface ViewOptions {
  /** Views of each sample. Default 1: the image as it is evaluated. More are random views. */
  readonly views?: number;
  readonly seed?: number;
  readonly augmentation?: AugmentationOptions;
}

export interface BatchOptions extends ViewOptions {
  /** Of the graph's `noise`: numbers an image. Default 0: none. */
  readonly patches?: number;
  /** Throws when the work was cancelled; called before every image. */
  readonly checkpoint?: () => void;
}

/** [channels, height, width] of one view, ready for the model. */
export function prepareView(
  picture: Picture, sampleId: bigint, view: number, preparation: PreparationOptions, { views = 1, seed = 0, augmentation = {} }: ViewOptions = {},
): Float32Array {
  const [height, width] = preparation.size;
  const shown = views === 1
    ? resizeAndCrop(picture, height, width, preparation.resize ?? Math.min(height, width))
    : randomView(picture, height, width, { seed, sampleId, view }, augmentation);
  return normalised(withChannels(shown, preparation.channels), preparation);
}

function normalised({ channels, width, height, data }: Picture, { mean, deviation }: PreparationOptions): Float32Array {
  const means = mean ?? (channels === 3 ? imageNet.mean : [0]);
  const deviations = deviation ?? (channels === 3 ? imageNet.deviation : [1]);
  const size = width * height;
  const result = new Float32Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    const [shift, scale] = [means[channel] ?? means[0] ?? 0, deviations[channel] ?? deviations[0] ?? 1];
    if (!(scale > 0)) throw new RangeError(`A deviation is positive, not ${scale}.`);
    for (let i = channel * size; i < (channel + 1) * size; i++) result[i] = (data[i]! - shift) / scale;
  }
  return result;
}

/**
 * A batch of samples as they are evaluated; with `views: 2`, two random views of each, first ones first, as the contrastive loss wants them. Noise follows a
 * sample's id and the seed.
 */
export async function prepareBatch(samples: readonly ProbeSample[], preparation: PreparationOptions, options: BatchOptions = {}): Promise<Batch> {
  const { views = 1, seed = 0, patches = 0, checkpoint } = options;
  const [height, width] = preparation.size;
  const count = samples.length * views;
  const length = preparation.channels * height * width;
  const images = new Float32Array(count * length);
  const noise = new Float32Array(count * patches);
  const labels = new Int32Array(count);
  for (const [place, { set, index, id }] of samples.entries()) {
    checkpoint?.();
    const picture = await set.read(index);
    for (let view = 0; view < views; view++) {
      const row = view * samples.length + place;
      images.set(prepareView(picture, id, view, preparation, { ...options, views }), row * length);
      labels[row] = set.label(index);
      const random = new Random(randomPurpose.masks, seed, id, view);
      for (let i = row * patches; i < (row + 1) * patches; i++) noise[i] = random.next32() / 2 ** 32;
    }
  }
  return { count, height, width, images, labels, ...(patches > 0 ? { noise } : {}) };
}
