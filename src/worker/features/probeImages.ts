import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { FormatError } from '../../formats';
import { chooseSamples, openImages, prepareView, type ImageSet, type ModelGraph, type PreparationOptions, type ProbeSample } from '../../models';
import type { ProbeData } from '../../protocol';
import { mostProbeRows } from '../../runs/probe';

/** The images of a run that its models are shown. */
export interface ProbeImages {
  readonly samples: readonly ProbeSample[];
  /** Of training. */
  readonly train: ImageSet;
}

/**
 * Opens the images and chooses samples.
 * @param folder from which relative paths lead on
 * @throws {FormatError} naming the file or folder that cannot be used, and why
 */
export async function openProbeImages(folder: string, data: ProbeData): Promise<ProbeImages> {
  const [trainPath, heldOutPath] = [path.resolve(folder, data.train), data.heldOut === null ? null : path.resolve(folder, data.heldOut)];
  if (heldOutPath !== null && (await sameFile(trainPath, heldOutPath))) {
    throw new FormatError(heldOutPath, '', 'is named for the images that were trained on and for those that were not; there would be no gap between the two');
  }
  const train = await openImages(trainPath);
  const heldOut = heldOutPath === null ? null : await openImages(heldOutPath);
  for (const set of [train, ...(heldOut === null ? [] : [heldOut])]) if (set.count === 0) throw new FormatError(set.name, '', 'holds no images');
  const samples = chooseSamples(train, heldOut, data.samples, data.seed);
  if (samples.length * data.views > mostProbeRows) {
    throw new FormatError(trainPath, '', `${samples.length} samples of ${data.views} views are ${samples.length * data.views} rows, more than the limit of ${mostProbeRows}`);
  }
  return { samples, train };
}

/** How images become the input of a model; where any size will do, that of the first image is taken. */
export async function preparationFor({ image }: Pick<ModelGraph, 'image'>, data: ProbeData, train: ImageSet): Promise<PreparationOptions> {
  const { mean, deviation, imageSize } = data;
  for (const [name, values] of Object.entries({ mean, deviation })) {
    if (values !== null && values.length !== 1 && values.length !== image.channels) {
      throw new FormatError(train.name, `"${name}"`, `has ${values.length} numbers, and the model takes images of ${image.channels} channels`);
    }
  }
  return {
    channels: image.channels,
    size: image.size ?? (imageSize === null ? await sizeOfFirst(train) : [imageSize, imageSize]),
    ...(mean === null ? {} : { mean }), ...(deviation === null ? {} : { deviation }),
  };
}

/** Reads one image of each part and makes what the model would see of it. @throws {FormatError} naming what cannot be used */
export async function tryFirstImages(samples: readonly ProbeSample[], preparation: PreparationOptions | null): Promise<void> {
  for (const split of [0, 1] as const) {
    const sample = samples.find((each) => each.split === split);
    if (sample === undefined) continue;
    const picture = await sample.set.read(sample.index);
    try {
      if (preparation !== null) prepareView(picture, sample.id, 0, preparation);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new FormatError(sample.set.name, `image ${sample.index}`, `cannot be shown to the model: ${error.message}`);
    }
  }
}

async function sizeOfFirst(set: ImageSet): Promise<readonly [number, number]> {
  const { height, width } = await set.read(0);
  return [height, width];
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const real = (file: string) => realpath(file).catch(() => file);
  return (await real(a)) === (await real(b));
}
