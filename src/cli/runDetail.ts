import { diagnose } from '../diagnosis';
import { judgeHealth, layersWithGaps } from '../monitor/health';
import type { MeasurementRecord, RunDetail, RunFile } from '../protocol';
import { isOfTraining } from '../protocol';
import type { RunOnDisk } from '../runs';
import type { Measured } from './measuring';
import { largest } from './runs';
import type { ReadLogs } from './target';

/** What the panel of the editor would show of the run. */
export function detailOf({ files: onDisk, ...run }: RunOnDisk, logs: ReadLogs, { records, problems, extracted }: Measured): RunDetail {
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
