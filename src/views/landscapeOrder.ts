import * as path from 'node:path';
import type { LandscapeOrder, ModelAnswers, ProbeData } from '../protocol';
import { modelProviders } from './settingValues';

/** What is computed unless somebody asks for something else; the same as by the command line. */
const usual = { images: 64, grid: 25, range: null, seed: 0, loss: null, graph: null, mean: null, deviation: null } as const;

export const noAnswers: ModelAnswers = { heads: null, decoderHeads: null, imageSize: null, role: null };

/** An order for checkpoints with the images of a run's probe data, or with a folder or file that was chosen. */
export function makeOrder(
  choice: Pick<LandscapeOrder, 'checkpoints' | 'directions' | 'provider'>,
  images: { readonly runFolder: string; readonly probeData: ProbeData } | string,
): LandscapeOrder {
  if (typeof images === 'string') return { ...usual, ...noAnswers, ...choice, data: images };
  const { train, seed, mean, deviation, graph, heads, decoderHeads, imageSize, role } = images.probeData;
  const absolute = (file: string): string => path.resolve(images.runFolder, file);
  return { ...usual, ...choice, data: absolute(train), seed, mean, deviation, graph: graph === null ? null : absolute(graph), heads, decoderHeads, imageSize, role };
}

/** The order that a panel kept over a reload, or null when it is none. */
export function parseOrder(value: unknown): LandscapeOrder | null {
  if (typeof value !== 'object' || value === null) return null;
  const kept = value as Partial<Record<keyof LandscapeOrder, unknown>>;
  const { checkpoints, data, grid, images, seed } = kept;
  const directions = (['random', 'line', 'trajectory'] as const).find((one) => one === kept.directions);
  if (!Array.isArray(checkpoints) || checkpoints.length === 0 || !checkpoints.every(isAbsolute) || !isAbsolute(data) || directions === undefined) return null;
  if (!isCount(grid) || !isCount(images) || typeof seed !== 'number') return null;
  const count = (name: 'heads' | 'decoderHeads' | 'imageSize'): number | null => (isCount(kept[name]) ? kept[name] : null);
  return {
    checkpoints, data, grid, images, seed, directions,
    range: typeof kept.range === 'number' && kept.range > 0 ? kept.range : null,
    loss: typeof kept.loss === 'string' ? kept.loss : null,
    graph: isAbsolute(kept.graph) ? kept.graph : null,
    heads: count('heads'), decoderHeads: count('decoderHeads'), imageSize: count('imageSize'),
    role: (['model', 'student', 'teacher'] as const).find((role) => role === kept.role) ?? null,
    mean: numbers(kept.mean), deviation: numbers(kept.deviation),
    provider: modelProviders.find((provider) => provider === kept.provider) ?? 'cpu',
  };
}

function isAbsolute(value: unknown): value is string {
  return typeof value === 'string' && path.isAbsolute(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function numbers(value: unknown): readonly number[] | null {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'number' && Number.isFinite(one)) ? (value as number[]) : null;
}
