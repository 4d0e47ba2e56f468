import path from 'node:path';
import type { DescribeOptions, ModelRole, ProviderChoice } from '../models';
import { providers } from '../models/executionProviders';
import { type ProbeData, probeDataDefaults } from '../protocol';
import { checkProbeData, readProbeData } from '../store';
import { parseCount, parseMeasureOptions, parseNumber } from './arguments';
import { UsageError } from './command';

const roles: readonly ModelRole[] = ['model', 'student', 'teacher'];
const text = { type: 'string' } as const;

/** What a model is and how it sees images. */
export const modelOptions = { graph: text, mean: text, std: text, heads: text, 'decoder-heads': text, 'image-size': text, role: text } as const;
/** All that probe data consist of, but for `--seed`. */
export const probeDataOptions = { data: text, 'held-out': text, samples: text, views: text, ...modelOptions } as const;

type Texts<Options> = { readonly [Name in keyof Options]?: string | undefined };

export const modelDetails = [
  '  --graph FILE      an ONNX export of the model; ViT, MAE, RC-MAE and ResNet are built from the names of the tensors',
  '  --mean A,B,C      subtracted from each channel (default: ImageNet\'s for three channels, 0 for one)',
  '  --std A,B,C       divided by, per channel (default: ImageNet\'s for three channels, 1 for one)',
  '  --heads N         attention heads of the encoder, --decoder-heads N of the decoder (default: width / 64 and width / 32)',
  '  --image-size N    pixels of a side, where names and shapes leave it open',
  '  --role ROLE       model, student or teacher, where a checkpoint holds several (default: the first of these)',
] as const;

export const probeDataDetails = [
  '  --data DIR|FILE   images that were trained on: a folder of PNG, JPEG, WebP; .npy, .npz; MNIST idx; CIFAR binary',
  '  --held-out D|F    images that were not; without them there is no gap',
  `  --samples N       images of each of the two (default ${String(probeDataDefaults.samples)}; fewer where there are not so many)`,
  `  --views N         random views of each image; 1 is the image as it is evaluated (default ${String(probeDataDefaults.views)})`,
  ...modelDetails,
] as const;

export const providerDetails = `  --provider NAME   on what the model runs: auto, ${providers.join(', ')} (default cpu)`;

/** Which of the options make probe data. @throws {UsageError} when one is out of range */
export function parseProbeData(values: Texts<typeof probeDataOptions> & { readonly seed?: string | undefined }): Partial<ProbeData> {
  const { data, 'held-out': heldOut, seed } = values;
  const [samples, views] = [parseCount('--samples', values.samples), parseCount('--views', values.views)];
  return {
    ...(data === undefined ? {} : { train: path.resolve(data) }), ...(heldOut === undefined ? {} : { heldOut: path.resolve(heldOut) }),
    ...(samples === undefined ? {} : { samples }), ...(views === undefined ? {} : { views }),
    ...(seed === undefined ? {} : { seed: parseMeasureOptions({ seed }).seed }),
    ...parseModel(values),
  };
}

export type ModelData = Pick<ProbeData, 'graph' | 'mean' | 'deviation' | 'heads' | 'decoderHeads' | 'imageSize' | 'role'>;

/** @throws {UsageError} when one is out of range */
export function parseModel(values: Texts<typeof modelOptions>): Partial<ModelData> {
  const { graph, mean, std } = values;
  const [heads, decoderHeads, imageSize] = [parseCount('--heads', values.heads), parseCount('--decoder-heads', values['decoder-heads']), parseCount('--image-size', values['image-size'])];
  const role = roles.find((each) => each === values.role);
  if (values.role !== undefined && role === undefined) throw new UsageError(`--role is ${roles.join(', ')}, not ${JSON.stringify(values.role)}`);
  return {
    ...(graph === undefined ? {} : { graph: path.resolve(graph) }),
    ...(mean === undefined ? {} : { mean: parseChannels('--mean', mean, () => true) }), ...(std === undefined ? {} : { deviation: parseChannels('--std', std, (value) => value > 0) }),
    ...(heads === undefined ? {} : { heads }), ...(decoderHeads === undefined ? {} : { decoderHeads }), ...(imageSize === undefined ? {} : { imageSize }),
    ...(role === undefined ? {} : { role }),
  };
}

export function toDescribeOptions({ heads, decoderHeads, imageSize, role }: Partial<ModelData>): DescribeOptions {
  return {
    ...(heads === undefined || heads === null ? {} : { heads }), ...(decoderHeads === undefined || decoderHeads === null ? {} : { decoderHeads }),
    ...(imageSize === undefined || imageSize === null ? {} : { imageSize: [imageSize, imageSize] as const }), ...(role === undefined || role === null ? {} : { role }),
  };
}

/** @throws {UsageError} when there is no such provider */
export function parseProvider(name: string | undefined): ProviderChoice {
  const choice = (['auto', ...providers] as const).find((each) => each === (name ?? 'cpu'));
  if (choice === undefined) throw new UsageError(`--provider is auto, ${providers.slice(0, -1).join(', ')} or ${String(providers.at(-1))}, not ${JSON.stringify(name)}`);
  return choice;
}

/** What was remembered of a run; null when nothing was. @throws {FormatError} when it cannot be read */
export function rememberedProbeData(folder: string): Promise<ProbeData | null> {
  return readProbeData([path.join(folder, '.layerscope')]);
}

/**
 * What was remembered, changed by what was asked for; null when nothing says which images.
 * @throws {UsageError} when options were given that need images; {FormatError} when what is remembered cannot be read
 */
export async function probeDataFor(folder: string, asked: Partial<ProbeData>): Promise<ProbeData | null> {
  const remembered = await rememberedProbeData(folder);
  if (remembered === null && asked.train === undefined) {
    if (Object.keys(asked).length > 0) throw new UsageError('--data DIR|FILE is missing: the images that the model is shown');
    return null;
  }
  // Other images have other counterparts.
  const base = asked.train === undefined || remembered === null ? remembered : { ...remembered, heldOut: null };
  const chosen = checkProbeData({ ...base, ...asked }, 'The options');
  return { ...chosen, train: asPath(folder, chosen.train), heldOut: asPath(folder, chosen.heldOut), graph: asPath(folder, chosen.graph) };
}

/** Relative to the run where it lies in it, so that both can move. */
function asPath<Place extends string | null>(folder: string, place: Place): Place {
  if (place === null || !path.isAbsolute(place)) return place;
  const inside = path.relative(folder, place);
  return (inside === '' || inside.startsWith('..') || path.isAbsolute(inside) ? place : inside.split(path.sep).join('/')) as Place;
}

function parseChannels(option: string, list: string, accept: (value: number) => boolean): number[] {
  return list.split(',').map((part) => parseNumber(option, part, 'one number or one for each channel, with commas between', accept));
}
