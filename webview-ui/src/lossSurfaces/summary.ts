import type { Flatness, LandscapeSetting, LandscapeSurface } from '../../../src/protocol';
import { formatAt, formatCount, formatShort, plural } from '../format';
import { isLine } from './grid';

/** A surface by name, with its place in training unless the name says it. */
export function titleOf({ name, epoch, step }: LandscapeSurface): string {
  if (epoch !== null) return new RegExp(`epoch\\D{0,2}0*${epoch}(?!\\d)`, 'i').test(name) ? name : `${name}, epoch ${formatAt(epoch)}`;
  return step === null || name.includes(String(step)) ? name : `${name}, step ${formatCount(step)}`;
}

/** What was computed, in one line. */
export function describeSetting({ loss, images, data, seed, range, directions }: LandscapeSetting): string {
  const along = { random: `random directions of seed ${seed}`, line: 'line between two checkpoints', trajectory: 'plane of the training', imported: `imported, seed ${seed}` };
  return [loss.replaceAll('_', ' '), [images > 0 ? plural(images, 'image') : '', data].filter(Boolean).join(' of '), along[directions], `range \u00b1${formatShort(range)}`]
    .filter(Boolean)
    .join(', ');
}

/** What the picture shows, for those who do not see it. */
export function summarize(surface: LandscapeSurface): string {
  const { loss, minimum } = surface;
  const known = loss.filter((one): one is number => one !== null);
  const title = titleOf(surface);
  if (known.length === 0) return `${title}: no point is computed yet.`;
  const sentences = [progressSentence(surface, known.length), modelSentence(surface, known)];
  if (minimum !== null) sentences.push(minimumSentence(surface, minimum));
  sentences.push(...flatnessSentences(surface.flatness), trajectorySentence(surface));
  return `${title}: ${sentences.filter(Boolean).join(' ')}`;
}

function progressSentence({ loss, convex, setting }: LandscapeSurface, known: number): string {
  if (known === loss.length) return '';
  const missing = loss.length - known;
  if (setting.directions === 'imported' || convex.length > 0) return `${plural(missing, 'point')} of ${formatCount(loss.length)} ${missing === 1 ? 'has' : 'have'} no finite loss.`;
  return `${formatCount(known)} of ${plural(loss.length, 'point')} are computed; between them the picture is interpolated.`;
}

function modelSentence(surface: LandscapeSurface, known: readonly number[]): string {
  const high = known.reduce((most, one) => Math.max(most, one), -Infinity);
  const low = known.reduce((least, one) => Math.min(least, one), Infinity);
  const model = lossOfModel(surface);
  const where = isLine(surface) ? 'the start of the line' : surface.setting.directions === 'trajectory' ? 'the origin' : 'the model';
  if (model === null) return `Losses reach from ${formatShort(low)} to ${formatShort(high)}.`;
  return `The loss is ${formatShort(model)} at ${where} and reaches from ${formatShort(low)} to ${formatShort(high)}.`;
}

function minimumSentence(surface: LandscapeSurface, { x, y, loss }: NonNullable<LandscapeSurface['minimum']>): string {
  const lowest = `The lowest point, ${formatShort(loss)},`;
  if (isLine(surface)) return `${lowest} is at ${formatShort(x)}.`;
  return x === 0 && y === 0 ? `${lowest} is at the origin.` : `${lowest} is at (${formatShort(x)}, ${formatShort(y)}), ${formatShort(Math.hypot(x, y))} from the origin.`;
}

function flatnessSentences(flatness: Flatness | null): string[] {
  if (flatness === null) return [];
  const { convexArea, widthMean, widthMinimum } = flatness;
  const sentences: string[] = [];
  if (convexArea !== null) sentences.push(`It is convex around the origin on ${formatShort(convexArea * 100)} % of the area.`);
  if (widthMean !== null) {
    const narrowest = widthMinimum === null ? '' : `, ${formatShort(widthMinimum)} where it is narrowest`;
    sentences.push(`The loss has grown by 10 % at a distance of ${formatShort(widthMean)} on average${narrowest}.`);
  }
  return sentences;
}

function trajectorySentence({ trajectory }: LandscapeSurface): string {
  const [first, last] = [trajectory[0], trajectory.at(-1)];
  if (!first || !last || first === last) return '';
  const loss = (point: typeof first): string => (point.loss === null ? '' : ` at a loss of ${formatShort(point.loss)}`);
  return `${plural(trajectory.length, 'checkpoint')} lead from ${pointName(first)}${loss(first)} to ${pointName(last)}${loss(last)}.`;
}

/** A checkpoint by its place in training, else by its file. */
export function pointName({ epoch, step, file }: Pick<LandscapeSurface['trajectory'][number], 'epoch' | 'step' | 'file'>): string {
  if (epoch !== null) return `epoch ${formatAt(epoch)}`;
  return step === null ? (file.split(/[\\/]/).at(-1) ?? file) : `step ${formatCount(step)}`;
}

/** The loss at the origin; null when the grid has no point there. */
export function lossOfModel({ x, y, loss }: LandscapeSurface): number | null {
  const column = x.indexOf(0);
  const row = y.length === 0 ? 0 : y.indexOf(0);
  return column < 0 || row < 0 ? null : (loss[row * x.length + column] ?? null);
}

/** What two or more surfaces say beside each other, as far as their numbers do. */
export function compare(surfaces: readonly LandscapeSurface[]): string[] {
  if (surfaces.length < 2 || differences(surfaces).length > 0) return [];
  const sentences: string[] = [];
  const order = (read: (surface: LandscapeSurface) => number | null): readonly { title: string; value: number }[] => {
    const values = surfaces.map((surface) => ({ title: titleOf(surface), value: read(surface) }));
    return values.every((one): one is { title: string; value: number } => one.value !== null) ? [...values].sort((a, b) => b.value - a.value) : [];
  };
  const listed = (values: readonly { title: string; value: number }[], text: (value: number) => string): string =>
    values.map(({ title, value }) => `${title} (${text(value)})`).join(', ');
  const model = order(lossOfModel);
  if (model.length > 0) sentences.push(`Loss at the model, lowest first: ${listed([...model].reverse(), formatShort)}.`);
  const width = order((surface) => surface.flatness?.widthMean ?? null);
  if (width.length > 0) sentences.push(`Widest basin first: ${listed(width, formatShort)}.`);
  const convex = order((surface) => surface.flatness?.convexArea ?? null);
  if (convex.length > 0) sentences.push(`Largest convex region first: ${listed(convex, (value) => `${formatShort(value * 100)} %`)}.`);
  return sentences;
}

const compared: Readonly<Record<keyof LandscapeSetting, string>> = {
  loss: 'loss', images: 'number of images', data: 'data', seed: 'seed', range: 'range', directions: 'kind of directions', options: 'options of the loss',
};

/** What the settings of the surfaces differ in: then they do not compare. */
export function differences(surfaces: readonly LandscapeSurface[]): string[] {
  const names = Object.keys(compared) as (keyof LandscapeSetting)[];
  return names.filter((name) => new Set(surfaces.map(({ setting }) => inOrder(setting[name]))).size > 1).map((name) => compared[name]);
}

/** Equal for equal settings, whatever the order of their names. */
function inOrder(value: LandscapeSetting[keyof LandscapeSetting]): string {
  return JSON.stringify(typeof value === 'object' ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : (value ?? null));
}
