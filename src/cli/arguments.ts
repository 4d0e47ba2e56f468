import { parseArgs, type ParseArgsConfig } from 'node:util';
import picomatch from 'picomatch';
import { type EngineChoice, engineOrder } from '../linalg';
import { defaultMeasureOptions, isKnownMetric, metricCatalog, type MeasureOptions, type Partition } from '../metrics';
import type { Shard } from '../monitor';
import { clusterBounds, partitions } from '../worker/measureSettings';
import { UsageError } from './command';

type Options = NonNullable<ParseArgsConfig['options']>;
type Parsed<Declared extends Options> = ReturnType<typeof parseArgs<{ options: Declared; allowPositionals: true }>>;

/**
 * Splits the arguments of a command into positional ones and options.
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
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
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
        : parseNumber('--seed', seed, 'a whole number from 0 to 4294967295', (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32),
  };
}

function parsePartition(text: string): Partition {
  const known = partitions.find((each) => each === text);
  if (known === undefined) throw new UsageError(`--partition is ${partitions.join(', ')}, not ${JSON.stringify(text)}`);
  return known;
}

function parseClusters(text: string): number | 'best' {
  if (text === 'best') return text;
  const { least, most } = clusterBounds;
  return parseNumber('--clusters', text, `a whole number from ${least} to ${most}, or best`, (value) => Number.isInteger(value) && value >= least && value <= most);
}

/** @throws {UsageError} when it is not a whole number from 1. */
export function parseCount(option: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseNumber(option, text, 'a whole number from 1', (value) => Number.isSafeInteger(value) && value >= 1);
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

/** @throws {UsageError} saying what was expected. */
export function parseNumber(option: string, text: string, expected: string, accept: (value: number) => boolean): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value) || !accept(value)) throw new UsageError(`${option} is ${expected}, not ${JSON.stringify(text)}`);
  return value;
}
