import { parseArgs, type ParseArgsConfig } from 'node:util';
import picomatch from 'picomatch';
import { type EngineChoice, engineOrder } from '../linalg';
import { defaultMeasureOptions, isKnownMetric, metricCatalog, type MeasureOptions, nearestNames, type Partition } from '../metrics';
import type { Shard } from '../monitor';
import { clusterBounds, partitions } from '../worker/measureSettings';
import { UsageError } from './command';

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<Declared extends Options> = ReturnType<typeof parseArgs<{ options: Declared; allowPositionals: true }>>;

/**
 * Splits the arguments of a command into positional ones and options. `--option -1` is the value -1, whatever else begins with a dash is an option.
 * @param names what the positional arguments are called; all of them are required.
 * @param more whether there may be more of the last one.
 * @throws {UsageError} naming the argument that is missing, unknown or too much.
 */
export function parseArguments<Declared extends Options>(
  args: readonly string[],
  names: readonly string[],
  options: Declared,
  more = false,
): { positionals: string[]; values: Parsed<Declared>['values'] } {
  let parsed: Parsed<Declared>;
  try {
    parsed = parseArgs({ args: joinValues(args, options), options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  const missing = names[positionals.length];
  if (missing !== undefined) throw new UsageError(`${missing} is missing`);
  const tooMuch = more ? undefined : positionals[names.length];
  if (tooMuch !== undefined) throw new UsageError(`there is one argument too many: ${JSON.stringify(tooMuch)}`);
  const empty = positionals.findIndex((value) => value === '');
  if (empty !== -1) throw new UsageError(`${names[empty] ?? 'an argument'} is empty`);
  return { positionals, values };
}

/**
 * Options with their values as one argument each, which is how `parseArgs` takes a value that begins with a dash.
 * @throws {UsageError} when an option has no value.
 */
function joinValues(args: readonly string[], options: Options): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    if (arg === '--') return [...joined, ...args.slice(at)];
    const [option = '', inline] = arg.split('=', 2);
    if (!option.startsWith('--') || options[option.slice(2)]?.type !== 'string' || inline !== undefined) {
      joined.push(arg);
      continue;
    }
    const value = args[(at += 1)];
    if (value === undefined) throw new UsageError(`${option} has no value`);
    if (/^-(?![\d.])./.test(value)) throw new UsageError(`${option} has no value; one that begins with a dash is written ${option}=${value}`);
    joined.push(`${option}=${value}`);
  }
  return joined;
}

/** @throws {UsageError} when an id is not known, with those that it may stand for and the list of all. */
export function parseMetrics(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const ids = text.split(',').map((id) => id.trim());
  for (const id of ids) {
    if (!isKnownMetric(id)) {
      const known = metricCatalog.map((metric) => metric.id);
      const nearest = nearestNames(id, known);
      const hint = nearest.length === 0 ? '' : ` Nearest: ${nearest.join(', ')}.`;
      throw new UsageError(`there is no metric ${JSON.stringify(id)}.${hint} Known: ${known.join(', ')}`);
    }
  }
  return [...new Set(ids)];
}

/** As written on the command line; undefined for the default. */
export type MeasureOptionTexts = { readonly [Name in keyof MeasureOptions]?: string | undefined };

/** @throws {UsageError} when a value is out of range. */
export function parseMeasureOptions({ eps2, seed, partition, clusters }: MeasureOptionTexts): MeasureOptions {
  return {
    partition: partition === undefined ? defaultMeasureOptions.partition : parsePartition(partition),
    clusters: clusters === undefined ? defaultMeasureOptions.clusters : parseClusters(clusters),
    eps2: eps2 === undefined ? defaultMeasureOptions.eps2 : parseNumber('--eps2', eps2, 'a number above 0', (value) => value > 0),
    seed:
      seed === undefined
        ? defaultMeasureOptions.seed
        : parseWhole('--seed', seed, 'a whole number from 0 to 4294967295', { least: 0, most: 2 ** 32 - 1 }),
  };
}

function parsePartition(text: string): Partition {
  const known = partitions.find((each) => each === text);
  if (known === undefined) throw new UsageError(`--partition is ${partitions.join(', ')}, not ${JSON.stringify(text)}`);
  return known;
}

function parseClusters(text: string): number | 'best' {
  if (text === 'best') return text;
  return parseWhole('--clusters', text, `a whole number from ${clusterBounds.least} to ${clusterBounds.most}, or best`, clusterBounds);
}

/** @throws {UsageError} when it is not a whole number from 1. */
export function parseCount(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseWhole(option, text, 'a whole number from 1', { least: 1, most: Number.MAX_SAFE_INTEGER });
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
export function parseEngine(text: string | undefined): EngineChoice {
  const choice = (['auto', ...engineOrder] as const).find((name) => name === (text ?? 'auto'));
  if (choice === undefined) throw new UsageError(`--engine is auto, ${engineOrder.slice(0, -1).join(', ')} or ${String(engineOrder.at(-1))}, not ${JSON.stringify(text)}`);
  return choice;
}

/** A test for names by a glob in which a star also stands for slashes and dots, as names of layers and tags hold both. */
export function parseGlob(option: string, glob: string | undefined): ((name: string) => boolean) | undefined {
  if (glob === undefined) return undefined;
  if (glob === '') throw new UsageError(`${option} is empty`);
  return picomatch(glob, { bash: true, dot: true });
}

/** A number in decimal digits, perhaps with a fraction and an exponent. @throws {UsageError} saying what was expected. */
export function parseNumber(option: string, text: string, expected: string, accept: (value: number) => boolean): number {
  const value = decimal.test(text.trim()) ? Number(text) : NaN;
  if (!Number.isFinite(value) || !accept(value)) throw refuse(option, text, expected);
  return value;
}

/** A whole number in decimal digits and nothing else. */
function parseWhole(option: string, text: string, expected: string, { least, most }: { readonly least: number; readonly most: number }): number {
  const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw refuse(option, text, expected);
  return value;
}

const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function refuse(option: string, text: string, expected: string): UsageError {
  const otherBase = /^[+-]?0[xob][\da-f]+$/i.test(text.trim());
  return new UsageError(`${option} is ${expected}${otherBase ? ', in decimal digits' : ''}, not ${JSON.stringify(text)}`);
}
