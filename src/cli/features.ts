import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createFormatRegistry } from '../formats';
import { extractMissing } from '../monitor';
import type { FileProblem } from '../protocol';
import { type RunOnDisk, runIdOf } from '../runs';
import { runFolderOf } from '../worker/landscape';
import { parseArguments, parseCount } from './arguments';
import { type Command, type Terminal, UsageError } from './command';
import { chooseProbeData, computePool, liesInRun } from './measuring';
import { count, formatTable, onOneLine, printJson, sayProblems } from './output';
import { parseProbeData, parseProvider, probeDataDetails, probeDataFor, probeDataOptions, providerDetails } from './probeDataArguments';
import { kindOfPath, openRun } from './target';

/** More threads gain little on models of the sizes that fit beside a training. */
const mostThreads = 4;

export const features: Command = {
  name: 'features',
  usage: 'RUN|CHECKPOINT [RUN|CHECKPOINT ...] [--data DIR|FILE] [--held-out DIR|FILE] [--samples N] [--views N] [--seed N] [--graph MODEL.onnx] [--out DIR] [--again] [--json]',
  summary: 'Take the features of checkpoints that no probe was recorded at, by running their models on images; measure then has something to measure.',
  details: [
    '  RUN               folder of a run: its checkpoints without a probe of the same epoch and step\n  CHECKPOINT        one file of weights, whether there is a probe or not',
    ...probeDataDetails,
    '  --seed N          seed of the choice of images and of views (default 0)',
    providerDetails,
    '  --threads N       threads of one operation (default: one for each core, at most 4)',
    '  --out DIR         write the files there, and remember nothing; else into <run>/.layerscope/features, and what was chosen into\n                    <run>/.layerscope/probe-data.json, from where this command, measure, diagnose, export and landscape take it',
    '  --again           also where the features are there already',
    '  --json            one JSON document: features, problems',
  ].join('\n'),

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN or CHECKPOINT'], {
      ...probeDataOptions, seed: { type: 'string' }, provider: { type: 'string' }, threads: { type: 'string' }, out: { type: 'string' },
      again: { type: 'boolean' }, json: { type: 'boolean' },
    }, true);
    const asked = parseProbeData(values);
    const threads = parseCount('--threads', values.threads) ?? Math.min(mostThreads, availableParallelism());
    const pool = computePool({ threads: 1, modelProvider: parseProvider(values.provider), modelThreads: threads });
    const { out, again = false } = values;
    const rows: { checkpoint: string; file: string; isNew: boolean }[] = [];
    const problems: FileProblem[] = [];
    try {
      for (const { run, only } of await targetsOf(positionals, out !== undefined, terminal)) {
        const data = out === undefined ? await chooseProbeData(run.folder, asked, pool, terminal) : await probeDataFor(run.folder, asked);
        if (data === null) throw new UsageError('--data DIR|FILE is missing: the images that the model is shown');
        const { extracted, problems: own } = await extractMissing({
          run, data, extractor: pool, registry: createFormatRegistry(), again, signal: terminal.signal,
          ...(only === null ? {} : { only: [only] }),
          ...(out === undefined ? {} : { targetOf: (checkpoint) => path.resolve(out, `${checkpoint}.safetensors`) }),
          onProgress: (current) => terminal.progress(onOneLine(current)),
        });
        rows.push(...extracted.map(({ checkpoint, probe, isNew }) => ({ checkpoint, file: probe.absolutePath, isNew })));
        problems.push(...own);
      }
    } finally {
      await pool.close();
    }
    if (values.json) {
      printJson(terminal, { features: rows, problems });
      return;
    }
    if (rows.length > 0) terminal.write(formatTable(['checkpoint', 'features'], rows.map(({ checkpoint, file }) => [checkpoint, file])));
    sayProblems(terminal, problems);
    terminal.say(`features of ${count(rows.filter(({ isNew }) => isNew).length, 'checkpoint')} taken now`);
  },
};

interface Target {
  readonly run: RunOnDisk;
  /** The one checkpoint that is meant, absolute; null: the run. */
  readonly only: string | null;
}

async function targetsOf(targets: readonly string[], hasOut: boolean, terminal: Terminal): Promise<Target[]> {
  const found: Target[] = [];
  for (const target of targets) {
    if ((await kindOfPath(target)) === 'folder') {
      found.push({ run: await openRun(target, terminal.signal), only: null });
      continue;
    }
    const file = path.resolve(target);
    if (!hasOut && !(await liesInRun(file))) throw new UsageError(`--out DIR is missing: ${target} lies in no run that features could be kept in`);
    const folder = runFolderOf(file);
    const disk = {
      kind: 'checkpoint', path: path.relative(folder, file).split(path.sep).join('/'), absolutePath: file, formatId: null, format: 'checkpoint', bytes: 0, modified: 0,
      epoch: null, step: null, problem: null,
    } as const;
    found.push({ run: { id: runIdOf(folder), name: path.basename(folder), folder, files: [disk], problems: [] }, only: file });
  }
  return found;
}
