import { basename } from 'node:path';
import type { Flatness, LandscapeSetting, LandscapeSurface, TrajectoryPoint } from '../protocol';
import { FormatError } from './byteSource';

/** Surfaces are small: 401 x 401 points and their coordinates stay far below. */
export const mostPoints = 1_000_000;

/**
 * Surfaces out of parsed JSON: `{"surfaces": [...]}` or the list itself. Flatness, convexity, minimum and trajectory may be left out; the minimum is
 * then the lowest point.
 * @throws {FormatError} naming the surface and the field that is not what it should be
 */
export function parseSurfaces(value: unknown, file: string): readonly LandscapeSurface[] {
  const list = isRecord(value) ? value['surfaces'] : value;
  if (!Array.isArray(list)) throw new FormatError(file, '', 'holds no loss surfaces: there is no list "surfaces"');
  if (list.length === 0) throw new FormatError(file, '', 'its list "surfaces" is empty');
  return list.map((one, index) => parseSurface(one, file, `surface ${index + 1}`));
}

/** One of them; `place` says where it stands in the file. */
export function parseSurface(value: unknown, file: string, place: string): LandscapeSurface {
  const wrong = (reason: string): FormatError => new FormatError(file, place, reason);
  if (!isRecord(value)) throw wrong('is not an object');
  const axis = (name: 'x' | 'y'): readonly number[] => {
    const list = value[name];
    if (!isNumbers(list)) throw wrong(`"${name}" is not a list of finite numbers`);
    if (list.some((one, index) => index > 0 && one <= (list[index - 1] ?? 0))) throw wrong(`"${name}" does not ascend`);
    return list;
  };
  const [x, y] = [axis('x'), axis('y')];
  if (x.length < 2 || y.length === 1) throw wrong(`has ${x.length} x ${y.length} points; at least two are needed along an axis`);
  const points = x.length * Math.max(1, y.length);
  if (points > mostPoints) throw wrong(`has ${points} points, more than ${mostPoints}`);
  const given = value['loss'];
  if (!Array.isArray(given) || given.length !== points) {
    throw wrong(`"loss" has ${Array.isArray(given) ? given.length : 'no'} values, but x and y name ${points} points`);
  }
  const loss = given.map((one: unknown) => {
    if (one !== null && typeof one !== 'number') throw wrong(`"loss" holds ${JSON.stringify(one)}`);
    return one !== null && Number.isFinite(one) ? one : null;
  });
  const convex: unknown = value['convex'] ?? [];
  if (!Array.isArray(convex) || (convex.length !== 0 && convex.length !== points)) throw wrong('"convex" has not one value a point');
  return {
    name: textOr(value['name'], basename(file)),
    file: textOr(value['file'], file),
    epoch: numberOr(value['epoch'], null),
    step: numberOr(value['step'], null),
    setting: parseSetting(value['setting'], x, y),
    x, y, loss,
    convex: convex.map((one) => one === true),
    minimum: isPoint(value['minimum']) ? value['minimum'] : lowestPoint(x, y, loss),
    flatness: parseFlatness(value['flatness']),
    trajectory: Array.isArray(value['trajectory']) ? value['trajectory'].flatMap(parseTrajectoryPoint) : [],
    warnings: Array.isArray(value['warnings']) ? value['warnings'].filter((one): one is string => typeof one === 'string') : [],
  };
}

function parseSetting(value: unknown, x: readonly number[], y: readonly number[]): LandscapeSetting {
  const given = isRecord(value) ? value : {};
  const directions = given['directions'];
  return {
    loss: textOr(given['loss'], 'loss'),
    images: numberOr(given['images'], 0),
    data: textOr(given['data'], ''),
    seed: numberOr(given['seed'], 0),
    range: numberOr(given['range'], [...x, ...y].reduce((most, one) => Math.max(most, Math.abs(one)), 0)),
    directions: directions === 'random' || directions === 'line' || directions === 'trajectory' ? directions : 'imported',
    ...(isRecord(given['options']) ? { options: plainOptions(given['options']) } : {}),
  };
}

/** Texts, numbers and truth values. */
export function plainOptions(given: Readonly<Record<string, unknown>>): Record<string, number | string | boolean> {
  const isPlain = (entry: [string, unknown]): entry is [string, number | string | boolean] => ['number', 'string', 'boolean'].includes(typeof entry[1]);
  return Object.fromEntries(Object.entries(given).filter(isPlain));
}

function parseFlatness(value: unknown): Flatness | null {
  if (!isRecord(value)) return null;
  const read = (name: keyof Flatness): number | null => numberOr(value[name], null);
  return {
    convexArea: read('convexArea'), eigenvalueRatio: read('eigenvalueRatio'), widthMean: read('widthMean'),
    widthMinimum: read('widthMinimum'), sharpness: read('sharpness'), roughness: read('roughness'),
  };
}

/** A point without a place is left out. */
function parseTrajectoryPoint(value: unknown): TrajectoryPoint[] {
  if (!isRecord(value) || typeof value['file'] !== 'string') return [];
  const [x, y] = [numberOr(value['x'], null), numberOr(value['y'], null)];
  if (x === null || y === null) return [];
  return [{ file: value['file'], epoch: numberOr(value['epoch'], null), step: numberOr(value['step'], null), x, y, loss: numberOr(value['loss'], null) }];
}

function lowestPoint(x: readonly number[], y: readonly number[], loss: readonly (number | null)[]): LandscapeSurface['minimum'] {
  let lowest: LandscapeSurface['minimum'] = null;
  for (const [index, value] of loss.entries()) {
    if (value !== null && (lowest === null || value < lowest.loss)) {
      lowest = { x: x[index % x.length] ?? 0, y: y[Math.floor(index / x.length)] ?? 0, loss: value };
    }
  }
  return lowest;
}

function isPoint(value: unknown): value is NonNullable<LandscapeSurface['minimum']> {
  return isRecord(value) && [value['x'], value['y'], value['loss']].every((one) => typeof one === 'number' && Number.isFinite(one));
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'number' && Number.isFinite(one));
}

export function numberOr<Default extends number | null>(value: unknown, otherwise: Default): number | Default {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
