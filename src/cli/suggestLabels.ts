import path from 'node:path';
import { EngineUnavailable } from '../linalg';
import { toLabelAdvice } from '../monitor/labelAdvice';
import type { LabelAdvice } from '../protocol';
import { openProbe } from '../runs';
import { createComputePool } from '../worker';
import { parseArguments, parseCount, parseGlob, parseMeasureOptions } from './arguments';
import { type Command, InputError, type Terminal } from './command';
import { nothingMatches } from './noMatch';
import { formatTable, printJson } from './output';
import { kindOfPath } from './target';

const defaultCount = 20;

export const suggestLabels: Command = {
  name: 'suggest-labels',
  usage: 'PROBE [--layer GLOB] [--count N] [--seed N] [--json]',
  summary: 'Say which training samples of a probe to label next: those in the middle of clusters that have no label yet.',
  details: [
    '  PROBE         one file of features (safetensors, npz)',
    '  --layer GLOB  the deepest layer whose name matches; * stands for anything (default: the deepest layer)',
    `  --count N     how many samples (default ${String(defaultCount)})`,
    '  --seed N      seed of the clusters (default 0)',
    '  --json        one JSON document: probe, layer, samples, labelled, clusters, suggestions, warnings',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['PROBE'], {
      layer: { type: 'string' }, count: { type: 'string' }, seed: { type: 'string' }, json: { type: 'boolean' },
    });
    const count = parseCount('--count', values.count) ?? defaultCount;
    const { seed } = parseMeasureOptions({ seed: values.seed });
    const [probe = ''] = positionals;
    if ((await kindOfPath(probe)) === 'folder') throw new InputError(`${probe}: is a folder; name one of its probe files`);
    const layer = await deepestLayer(probe, values.layer);
    const advice = await advise(path.resolve(probe), layer, count, seed, terminal);
    if (values.json) {
      printJson(terminal, { probe, ...advice });
      return;
    }
    const { suggestions, samples, labelled, clusters, warnings } = advice;
    terminal.write(`${layer}: ${String(labelled)} of ${String(samples)} training samples have a label; ${String(clusters)} clusters\n`);
    if (suggestions.length > 0) terminal.write(`\n${formatTable(['sample', 'cluster', 'why'], suggestions.map(({ sampleId, clusterSize, reason }) => [sampleId, clusterSize, reason]))}`);
    for (const warning of warnings) terminal.say(`note: ${warning}`);
  },
};

async function deepestLayer(file: string, glob: string | undefined): Promise<string> {
  const accept = parseGlob('--layer', glob);
  const probe = await openProbe(file);
  await probe.close();
  const names = probe.layers.map(({ name }) => name);
  const layer = names.filter((name) => accept?.(name) ?? true).at(-1);
  if (layer === undefined) throw nothingMatches({ target: file, option: '--layer', glob: glob ?? '*', noun: 'layer', names });
  return layer;
}

async function advise(file: string, layer: string, count: number, seed: number, terminal: Terminal): Promise<LabelAdvice> {
  const pool = createComputePool({ threadPath: path.join(__dirname, 'computeThread.js'), threads: 1 });
  try {
    return toLabelAdvice(layer, await pool.suggest({ file, layer, count, part: 'train', seed }, terminal.signal));
  } catch (error) {
    throw error instanceof EngineUnavailable ? new InputError(error.message) : error;
  } finally {
    await pool.close();
  }
}
