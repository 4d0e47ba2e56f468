import { parseArgs, type ParseArgsConfig } from 'node:util';
import picomatch from 'picomatch';
import { defaultMeasureOptions, isKnownMetric, metricCatalog, type MeasureOptions } from '../metrics';
import type { Shard } from '../monitor';
import { UsageError } from './command';

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<Declared extends Options> = ReturnType<typeof parseArgs<{ options: Declared; allowPositionals: true }>>;

/**
 * Splits the arguments of a command into positional ones and options.
 * @param names what the positional arguments are called; all of them are required.
 * @throws {UsageError} naming the argument that is missing, unknown or too much.
 */
export function parseArguments<Declared extends Options>(
  args: readonly string[],
  names: readonly string[],
  options: Declared,
): { positionals: string[]; values: Parsed<Declared>['values'] } {
  let parsed: Parsed<Declared>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const tooMuch = positionals[names.length];
  if (tooMuch !== undefined) throw new UsageError(`there is one argument too many: ${JSON.stringify(tooMuch)}`);
  const empty = positionals.findIndex((value) => value === '');
  if (empty !== -1) throw new UsageError(`${names[empty] ?? 'an argument'} is empty`);
  return { positionals, values };
}

/** @throws {UsageError} when an id is not known, with the list of those that are. */
export function parseMetrics(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const ids = text.split(',').map((id) => id.trim());
  for (const id of ids) {
    if (!isKnownMetric(id)) {
      throw new UsageError(`there is no metric ${JSON.stringify(id)}. Known: ${metricCatalog.map((metric) => metric.id).join(', ')}`);
    }
  }
  return [...new Set(ids)];
}

/** @throws {UsageError} when a value is out of range. */
export function parseMeasureOptions(eps2: string | undefined, seed: string | undefined): MeasureOptions {
  return {
    eps2: eps2 === undefined ? defaultMeasureOptions.eps2 : parseNumber('--eps2', eps2, 'a number above 0', (value) => value > 0),
    seed:
      seed === undefined
        ? defaultMeasureOptions.seed
        : parseNumber('--seed', seed, 'a whole number from 0 to 4294967295', (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32),
  };
}

/** @throws {UsageError} when it is not I/N with 1 <= I <= N. */
export function parseShard(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (!match || index < 1 || index > count) throw new UsageError(`--shard is I/N with I from 1 to N, for example 2/8, not ${JSON.stringify(text)}`);
  return { index, count };
}

/** @throws {UsageError} when there is no such engine. */
export function parseEngine(text: string | undefined): 'auto' | 'onnxruntime' {
  if (text === undefined || text === 'auto') return 'auto';
  if (text === 'onnxruntime') return text;
  throw new UsageError(`--engine is auto or onnxruntime, not ${JSON.stringify(text)}`);
}

/** A test for names by a glob in which a star also stands for slashes and dots, as names of layers and tags hold both. */
export function parseGlob(option: string, glob: string | undefined): ((name: string) => boolean) | undefined {
  if (glob === undefined) return undefined;
  if (glob === '') throw new UsageError(`${option} is empty`);
  return picomatch(glob, { bash: true, dot: true });
}

function parseNumber(option: string, text: string, expected: string, accept: (value: number) => boolean): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value) || !accept(value)) throw new UsageError(`${option} is ${expected}, not ${JSON.stringify(text)}`);
  return value;
}
