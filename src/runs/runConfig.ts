import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import type { ProbeData } from '../protocol';

/** What the configuration of a run says about its model and its images; null where it says nothing. */
export type RunConfig = Pick<ProbeData, 'mean' | 'deviation' | 'imageSize' | 'heads' | 'decoderHeads'>;

/** What training scripts and libraries write beside a run, the most telling first: Hugging Face, timm, Lightning, official repositories. */
const fileNames = [
  'preprocessor_config.json', 'args.yaml', 'hparams.yaml', 'config.yaml', 'config.yml', 'config.json', 'args.json', 'hparams.json', 'params.json',
] as const;
/** A longer file is no configuration. */
const mostBytes = 1_000_000;
/** Of objects in objects. */
const mostDepth = 4;
const mostPixels = 65_536;

const nothing: RunConfig = { mean: null, deviation: null, imageSize: null, heads: null, decoderHeads: null };

type Section = Readonly<Record<string, unknown>>;

/** Names of pairs that are accepted together only: a `mean` alone can be of anything. */
const pairs = [['image_mean', 'image_std'], ['pixel_mean', 'pixel_std'], ['norm_mean', 'norm_std'], ['mean', 'std']] as const;

/** Reads the configuration in a run's folder. A file that cannot be read, or is none, says nothing. */
export async function readRunConfig(folder: string): Promise<RunConfig> {
  let config = nothing;
  for (const name of fileNames) {
    const root = await readSection(path.join(folder, name));
    if (root !== null) config = complete(config, configOf(sectionsOf(root), name === 'preprocessor_config.json'));
  }
  return config;
}

/** What is null in the first is taken from the second. */
export function complete<Data extends Partial<RunConfig>>(data: Data, config: RunConfig): Data {
  const isOpen = (name: keyof RunConfig): boolean => (data[name] ?? null) === null;
  const takesPair = isOpen('mean') && isOpen('deviation');
  const names = (Object.keys(config) as (keyof RunConfig)[]).filter((name) => isOpen(name) && (takesPair || (name !== 'mean' && name !== 'deviation')));
  return { ...data, ...Object.fromEntries(names.map((name) => [name, config[name]])) };
}

async function readSection(file: string): Promise<Section | null> {
  try {
    const { size } = await stat(file);
    if (size > mostBytes) return null;
    const text = await readFile(file, 'utf8');
    // Tags of Python objects, as argparse's Namespace has them, are no errors; nothing of them is built.
    const parsed: unknown = file.endsWith('.json') ? JSON.parse(text) : parse(text, { logLevel: 'silent', maxAliasCount: 100 });
    return isSection(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The section and those within it, outer ones first. */
function sectionsOf(root: Section, depth = 1): Section[] {
  const inner = depth === mostDepth ? [] : Object.values(root).filter(isSection);
  return [root, ...inner.flatMap((section) => sectionsOf(section, depth + 1))];
}

function configOf(sections: readonly Section[], isPreprocessor: boolean): RunConfig {
  const first = <Value>(read: (section: Section) => Value | null): Value | null => {
    for (const section of sections) {
      const value = read(section);
      if (value !== null) return value;
    }
    return null;
  };
  const [mean, deviation] = first(normalisationOf) ?? [null, null];
  const sizes = ['image_size', 'img_size', 'input_size', ...(isPreprocessor ? ['crop_size', 'size'] : [])];
  return {
    mean, deviation,
    imageSize: first((section) => firstOf(sizes, (name) => sideOf(section[name]))),
    heads: first((section) => firstOf(['num_heads', 'num_attention_heads', 'encoder_num_heads'], (name) => countOf(section[name]))),
    decoderHeads: first((section) => firstOf(['decoder_num_heads', 'decoder_num_attention_heads'], (name) => countOf(section[name]))),
  };
}

function firstOf<Value>(names: readonly string[], read: (name: string) => Value | null): Value | null {
  for (const name of names) {
    const value = read(name);
    if (value !== null) return value;
  }
  return null;
}

function normalisationOf(section: Section): readonly [number[], number[]] | null {
  for (const [meanName, deviationName] of pairs) {
    const [mean, deviation] = [numbersOf(section[meanName]), numbersOf(section[deviationName])];
    if (mean !== null && deviation !== null && mean.length === deviation.length && deviation.every((value) => value > 0)) return [mean, deviation];
  }
  return null;
}

function numbersOf(value: unknown): number[] | null {
  const list: unknown = typeof value === 'number' ? [value] : value;
  const isList = Array.isArray(list) && list.length >= 1 && list.length <= 4 && list.every((each) => typeof each === 'number' && Number.isFinite(each));
  return isList ? (list as number[]) : null;
}

/** Pixels of a side: of a number, [height, width], [channels, height, width], or Hugging Face's { height, width }. Only of squares. */
function sideOf(value: unknown): number | null {
  if (isSection(value)) return sideOf([value['height'], value['width']]);
  if (!Array.isArray(value)) return countOf(value);
  const [height, width] = value.slice(-2) as unknown[];
  return value.length <= 3 && height === width ? countOf(height) : null;
}

function countOf(value: unknown): number | null {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= mostPixels ? Number(value) : null;
}
