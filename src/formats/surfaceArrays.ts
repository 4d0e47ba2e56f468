import { basename } from 'node:path';
import type { LandscapeSurface } from '../protocol';
import { FormatError } from './byteSource';
import { guessEpochStep } from './fileNames';
import { parseJson } from './jsonObjects';
import { isRecord, mostPoints, numberOr, parseSurface, plainOptions, textOr } from './surfaceDocument';
import type { TensorFile } from './tensors';

/** A surface as a file holds it. */
export interface SurfaceOfFile {
  readonly surface: LandscapeSurface;
  /** Whether every point was computed; of those that were, some may not be finite. */
  readonly finished: boolean;
}

/** In the order in which they are looked for. */
const lossNames = ['loss', 'train_loss', 'test_loss', 'losses', 'z'];
const knownVersion = '1';

/**
 * The surface in named arrays: `loss` [y, x] (a line: [x]) with `x` and `y`, without coordinates from -1 to 1; falling coordinates are turned around.
 * Of tomgoldstein/loss-landscape `xcoordinates`, `ycoordinates`, and a loss that is declared [x, y] and filled in the order [y, x].
 * @throws {FormatError} naming the file and what it lacks
 */
export async function surfaceOfArrays(tensors: TensorFile, file: string): Promise<SurfaceOfFile> {
  const version = tensors.metadata['layerscope_surface'];
  if (version !== undefined && version !== knownVersion) {
    throw new FormatError(file, 'tensor layerscope_surface', `is of version ${version}; version ${knownVersion} is known`);
  }
  const listed = new Map(tensors.tensors.map((tensor) => [tensor.name, tensor]));
  const find = (names: readonly string[]): string | undefined => names.find((name) => listed.has(name));
  const isReference = listed.has('xcoordinates');
  const lossName = find(lossNames);
  if (lossName === undefined) {
    throw new FormatError(file, '', `is no loss surface: it has none of ${lossNames.join(', ')}, only ${[...listed.keys()].slice(0, 12).join(', ') || 'no tensors'}`);
  }
  const { shape } = listed.get(lossName)!;
  const points = shape.reduce((product, size) => product * size, 1);
  if (shape.length < 1 || shape.length > 2 || points > mostPoints) {
    throw new FormatError(file, `tensor ${lossName}`, `has the shape [${shape.join(', ')}]; a surface has two axes, a line one`);
  }
  const read = (name: string): Promise<number[]> => numbersOf(tensors, name, file);
  const axis = async (names: readonly string[], length: number): Promise<number[]> => {
    const name = find(names);
    return name === undefined ? evenly(length) : read(name);
  };
  const isLine = shape.length === 1;
  const x = await axis(isReference ? ['xcoordinates'] : ['x'], shape.at(-1)!);
  const y = isLine ? [] : await axis(isReference ? ['ycoordinates'] : ['y'], shape[0]!);
  // The reference declares [x, y] and fills the array as [y, x] (its meshgrid), so that what counts is the order of the values.
  const fits = isLine ? shape[0] === x.length : isReference ? points === x.length * y.length : shape[0] === y.length && shape[1] === x.length;
  if (!fits) {
    const expected = isLine ? `[${x.length}]` : `[${y.length}, ${x.length}]`;
    throw new FormatError(file, `tensor ${lossName}`, `has the shape [${shape.join(', ')}], and its coordinates want ${expected}, x along the second axis`);
  }
  const values = await read(lossName);
  // A point that the reference has not computed yet is -1.
  const unknown = isReference ? values.filter((value) => value === -1).length : 0;
  const loss = unknown > 0 ? values.map((value) => (value === -1 ? null : value)) : values;
  const { samples, data, loss: computed, ...options } = plainOptions(optionsOf(tensors.metadata['options']));
  const name = basename(file.replaceAll('\\', '/')).replace(/\.(?:npz|h5|hdf5|safetensors)$/i, '');
  const surface = {
    name,
    file,
    ...guessEpochStep(name),
    setting: {
      loss: textOr(computed, lossName), images: numberOr(samples, 0), data: textOr(data, ''), seed: numberOr(Number(tensors.metadata['seed'] ?? NaN), 0),
      directions: 'imported',
      ...(Object.keys(options).length > 0 ? { options } : {}),
    },
    ...ascending(file, x, y, loss),
    warnings: unknown > 0 ? [`${unknown} of ${points} points were not computed when the file was written.`] : [],
  };
  return { surface: parseSurface(surface, file, 'its arrays'), finished: unknown === 0 };
}

async function numbersOf(tensors: TensorFile, name: string, file: string): Promise<number[]> {
  const { shape, dtype } = tensors.tensors.find((tensor) => tensor.name === name)!;
  if (shape.reduce((product, length) => product * length, 1) > mostPoints) throw new FormatError(file, `tensor ${name}`, `has more than ${mostPoints} numbers`);
  if (dtype.startsWith('C')) throw new FormatError(file, `tensor ${name}`, 'holds complex numbers');
  return Array.from((await tensors.read(name)).data as ArrayLike<number | bigint>, Number);
}

/** Where a file has no coordinates: from -1 to 1. */
function evenly(points: number): number[] {
  return Array.from({ length: points }, (_, place) => (points === 1 ? 0 : (2 * place - (points - 1)) / (points - 1)));
}

function ascending(file: string, x: readonly number[], y: readonly number[], loss: readonly (number | null)[]): Pick<LandscapeSurface, 'x' | 'y' | 'loss'> {
  const [across, down] = ([['x', x], ['y', y]] as const).map(([name, axis]) => {
    const steps = axis.slice(1).map((value, place) => value - axis[place]!);
    if (steps.every((step) => step > 0)) return axis.map((_, place) => place);
    if (steps.every((step) => step < 0)) return axis.map((_, place) => axis.length - 1 - place);
    throw new FormatError(file, `coordinates ${name}`, 'neither rise nor fall from each to the next');
  }) as [number[], number[]];
  const rows = y.length === 0 ? [0] : down;
  return { x: across.map((place) => x[place]!), y: down.map((place) => y[place]!), loss: rows.flatMap((row) => across.map((column) => loss[row * x.length + column] ?? null)) };
}

/** What the companion says of how it computed the surface. */
function optionsOf(text: string | undefined): Readonly<Record<string, unknown>> {
  const value = parseJson(text ?? '{}');
  return isRecord(value) ? value : {};
}
