import { createFormatRegistry, FormatError, openTensors, type TensorFile } from '../../formats';
import { describeSurface } from '../../landscape';
import type { LandscapeSetting, LandscapeSurface } from '../../protocol';

/** In the order in which they are looked for. */
const lossNames = ['loss', 'train_loss', 'test_loss', 'losses', 'z'];
/** A surface of 51 x 51 has 2601 points; one with more than this is no surface that anybody computed. */
const mostPoints = 1_000_000;

/**
 * Reads a surface that another program computed: `.h5` of tomgoldstein/loss-landscape, `.npz` of the companion, or any `.npz`, `.h5` or safetensors file with
 * `loss` [y, x] and its coordinates `x` and `y`.
 * @throws {FormatError} naming the file and what it lacks
 */
export async function readSurface(file: string): Promise<LandscapeSurface> {
  const opened = await openTensors(file, createFormatRegistry());
  try {
    return await surfaceIn(file, opened.file);
  } finally {
    await opened.close();
  }
}

async function surfaceIn(file: string, tensors: TensorFile): Promise<LandscapeSurface> {
  const listed = new Map(tensors.tensors.map((tensor) => [tensor.name, tensor]));
  const find = (names: readonly string[]) => names.find((name) => listed.has(name));
  const isReference = listed.has('xcoordinates');
  const lossName = find(lossNames);
  const [xName, yName] = isReference ? ['xcoordinates', find(['ycoordinates'])] : [find(['x']), find(['y'])];
  if (lossName === undefined) {
    throw new FormatError(file, '', `is no loss surface: it has none of ${lossNames.join(', ')}, only ${[...listed.keys()].slice(0, 12).join(', ') || 'no tensors'}`);
  }
  const { shape } = listed.get(lossName)!;
  const points = shape.reduce((product, size) => product * size, 1);
  if (shape.length < 1 || shape.length > 2 || points > mostPoints) throw new FormatError(file, `tensor ${lossName}`, `has the shape [${shape.join(', ')}]; a surface has two axes, a line one`);
  const read = async (name: string) => Array.from((await tensors.read(name)).data, Number);
  const isLine = shape.length === 1;
  const x = xName === undefined ? evenly(shape.at(-1)!) : await read(xName);
  const y = isLine ? [] : yName === undefined ? evenly(shape[0]!) : await read(yName);
  // The reference declares [x, y] and fills the array as [y, x] (its meshgrid), so that what counts is the order of the values.
  const fits = isLine ? shape[0] === x.length : isReference ? points === x.length * y.length : shape[0] === y.length && shape[1] === x.length;
  if (!fits) {
    const expected = isLine ? `[${x.length}]` : `[${y.length}, ${x.length}]`;
    throw new FormatError(file, `tensor ${lossName}`, `has the shape [${shape.join(', ')}], and its coordinates want ${expected}, x along the second axis`);
  }
  const values: (number | null)[] = await read(lossName);
  // A point that the reference has not computed yet is -1.
  const unknown = isReference ? values.filter((value) => value === -1).length : 0;
  const loss = unknown > 0 ? values.map((value) => (value === -1 ? null : value)) : values;
  const sorted = ascending(file, x, y, loss);
  const options = optionsOf(tensors.metadata['options']);
  const range = Math.max(...[...x, ...y].map(Math.abs));
  const setting: LandscapeSetting = {
    loss: lossName, images: Number(options['samples'] ?? 0), data: '', seed: Number(tensors.metadata['seed'] ?? 0), range, directions: 'imported', options,
  };
  const warnings = unknown > 0 ? [`${unknown} of ${points} points were not computed when the file was written.`] : [];
  return describeSurface({ name: file.split(/[\\/]/).at(-1)!, file, epoch: null, step: null, setting, ...sorted, trajectory: [], warnings, finished: unknown === 0 });
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

/** What the companion says of how it computed the surface; texts, numbers and truth values are kept. */
function optionsOf(text: string | undefined): Record<string, number | string | boolean> {
  if (text === undefined) return {};
  try {
    const parsed = JSON.parse(text) as unknown;
    if (typeof parsed !== 'object' || parsed === null) return {};
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, number | string | boolean] => ['number', 'string', 'boolean'].includes(typeof entry[1])));
  } catch {
    return {};
  }
}
