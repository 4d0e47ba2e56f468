import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { diagnose } from '../diagnosis';
import { defaultMeasureOptions } from '../metrics';
import { judgeHealth, layersWithGaps } from '../monitor/health';
import type { MeasurementRecord, RunDetail, RunFile } from '../protocol';
import { isOfTraining } from '../protocol';
import type { RunOnDisk } from '../runs';
import { recordsToCsv, runToJson } from '../store/exportRecords';
import { parseArguments } from './arguments';
import { type Command, InputError, UsageError } from './command';
import { type Measured, measureTarget } from './measuring';
import { count, sayProblems } from './output';
import { largest } from './runs';
import { openRun, type ReadLogs, readLogs } from './target';

export const exportRun: Command = {
  name: 'export',
  usage: 'RUN --out FILE.csv|FILE.json',
  summary: 'Measure what is missing and write the records of a run to a file.',
  details: '  RUN         folder of a run\n  --out FILE  .csv: one row a record; .json: the run with its findings, records and logged quantities',

  async run(args, terminal) {
    const { positionals, values } = parseArguments(args, ['RUN'], { out: { type: 'string' } });
    const [target = ''] = positionals;
    const { out } = values;
    if (out === undefined) throw new UsageError('--out FILE is missing');
    const ending = path.extname(out).toLowerCase();
    if (ending !== '.csv' && ending !== '.json') throw new UsageError(`--out ends in .csv or .json, not ${JSON.stringify(path.basename(out))}`);
    const run = await openRun(target, terminal.signal);
    const logs = await readLogs(run, terminal.signal);
    const measured = await measureTarget({ target, options: defaultMeasureOptions, engine: 'auto' }, terminal);
    await replaceFile(out, ending === '.csv' ? recordsToCsv(measured.records) : runToJson(detailOf(run, logs, measured)));
    sayProblems(terminal, [...measured.problems, ...logs.problems]);
    terminal.say(`${count(measured.records.length, 'record')} written to ${out}`);
  },
};

/** What the panel of the editor would show of the run. */
function detailOf({ files: onDisk, ...run }: RunOnDisk, logs: ReadLogs, { records, problems, extracted }: Measured): RunDetail {
  const files = [...onDisk, ...extracted];
  const findings = diagnose(records);
  const position = (axis: 'epoch' | 'step'): number | null =>
    largest([...files.map((file) => file[axis]), ...records.map((record) => record[axis])]);
  const measuredSources = new Set(records.map(({ source }) => source));
  const probes = files.filter(({ kind }) => kind === 'probe');
  return {
    run: {
      id: run.id,
      name: run.name,
      folder: run.folder,
      epoch: position('epoch'),
      step: position('step'),
      modified: largest(files.map(({ modified }) => modified)) ?? 0,
      files: files.map(({ kind, path: file, format, bytes, modified, epoch, step, problem }): RunFile => {
        const state = problem ? 'problem' : measuredSources.has(file) ? 'measured' : 'found';
        return { kind, path: file, format, bytes, modified, epoch, step, state };
      }),
      problems: [...run.problems, ...problems, ...logs.problems],
      findings,
      health: judgeHealth(findings, layersWithGaps(records).values(), { measured: probes.filter((file) => measuredSources.has(file.path)).length, all: probes.length }),
    },
    layers: layersOf(records.filter((record) => record.split !== null && !isOfTraining(record))),
    weightLayers: layersOf(records.filter(({ split }) => split === null)),
    records,
    series: logs.series,
  };
}

/** Shallow to deep. */
function layersOf(records: readonly MeasurementRecord[]): string[] {
  return [...new Map(records.map(({ layer, layerIndex }) => [layer, layerIndex]))].sort(([, a], [, b]) => a - b).map(([layer]) => layer);
}

/** Replaces a file in one step or not at all. @throws {InputError} when it cannot be written. */
export async function replaceFile(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(beside, text, { flag: 'wx' });
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw new InputError(`${file}: cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}
