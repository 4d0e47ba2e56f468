import path from 'node:path';
import { diagnose, diagnosedMetrics } from '../diagnosis';
import { defaultMeasureOptions } from '../metrics';
import { judgeHealth, layersWithGaps } from '../monitor/health';
import type { FileProblem, Finding, HealthState, MeasurementRecord } from '../protocol';
import type { Terminal } from './command';
import { measureTarget } from './measuring';
import { largest } from './runs';

/** One of the runs that are compared, with what is said of it alone. */
export interface ComparedRun {
  /** The folder's name; as it was given where several have the same. */
  readonly run: string;
  readonly folder: string;
  readonly health: HealthState;
  /** The largest that a record tells. */
  readonly epoch: number | null;
  readonly step: number | null;
  readonly findings: readonly Finding[];
  /** How many were looked at. */
  readonly records: number;
  readonly problems: readonly FileProblem[];
}

export interface OpenedRun {
  readonly about: ComparedRun;
  readonly records: readonly MeasurementRecord[];
  readonly layers: readonly string[];
}

/** Measures what is missing of the metrics, and of those that findings rest on, and says what is wrong with the run. @throws as `measureTarget` */
export async function openRunToCompare(target: string, name: string, metrics: readonly string[], terminal: Terminal): Promise<OpenedRun> {
  // Findings are told of every run, whatever is compared.
  const asked = [...new Set([...metrics, ...diagnosedMetrics])];
  const measured = await measureTarget({ target, options: defaultMeasureOptions, engine: 'auto', metrics: asked }, terminal);
  const { records, problems, files, layers, folder } = measured;
  const findings = diagnose(records);
  const withRecords = new Set(records.map(({ source }) => source));
  const probes = [...files, ...measured.extracted].filter(({ kind }) => kind === 'probe');
  return {
    about: {
      run: name,
      folder,
      health: judgeHealth(findings, layersWithGaps(records).values(), { measured: probes.filter(({ path: file }) => withRecords.has(file)).length, all: probes.length }),
      epoch: largest(records.map(({ epoch }) => epoch)),
      step: largest(records.map(({ step }) => step)),
      findings,
      records: records.length,
      problems,
    },
    records,
    layers,
  };
}

/** The folder's name, or what was given where several have the same. */
export function nameAmong(target: string, targets: readonly string[]): string {
  const nameOf = (each: string): string => path.basename(path.resolve(each));
  return targets.filter((each) => nameOf(each) === nameOf(target)).length > 1 ? target : nameOf(target);
}
