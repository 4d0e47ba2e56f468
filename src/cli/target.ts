import { stat } from 'node:fs/promises';
import path from 'node:path';
import { createFormatRegistry, explainSystemError, FormatError, type LogFormat, openFile, sniffLength } from '../formats';
import type { FileProblem, ScalarSeries } from '../protocol';
import { findRuns, FollowedLog, type FoundRuns, type RunOnDisk, ScalarCollector } from '../runs';
import { InputError } from './command';

/** So many runs are named when a folder of runs was given where one run is needed. */
const mostRunsNamed = 10;

/** The name of a run that is given by its folder. */
export function nameOfRun(folder: string): string {
  return path.basename(path.resolve(folder));
}

/** @throws {InputError} when the path does not exist or may not be looked at. */
export async function kindOfPath(target: string): Promise<'folder' | 'file'> {
  try {
    return (await stat(target)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    throw new InputError(`${target}: ${explainSystemError(error)}`);
  }
}

/** The runs below a folder. @throws {InputError} when it is no folder. */
export async function runsBelow(folder: string, signal: AbortSignal): Promise<FoundRuns> {
  if ((await kindOfPath(folder)) !== 'folder') throw new InputError(`${folder}: is not a folder`);
  return findRuns([{ name: nameOfRun(folder), path: path.resolve(folder) }], { signal });
}

/** The run in a folder. @throws {InputError} when there is none; it names the runs below. */
export async function openRun(folder: string, signal: AbortSignal): Promise<RunOnDisk> {
  const { runs, problems } = await runsBelow(folder, signal);
  const run = runs.find((each) => path.resolve(each.folder) === path.resolve(folder));
  if (run) return run;
  if (runs.length > 0) {
    const names = runs.slice(0, mostRunsNamed).map(({ name }) => name);
    throw new InputError(`${folder}: is not a run itself; runs below it: ${names.join(', ')}${runs.length > names.length ? ', ...' : ''}`);
  }
  const [problem] = problems;
  throw new InputError(problem ? `${problem.file}: ${problem.reason}` : `${folder}: holds no run: no log, checkpoint or probe was found`);
}

export interface ReadLogs {
  readonly series: readonly ScalarSeries[];
  readonly problems: readonly FileProblem[];
}

/** Every quantity in the logs of a run. */
export async function readLogs({ files }: RunOnDisk, signal: AbortSignal): Promise<ReadLogs> {
  const registry = createFormatRegistry();
  const logs = files.flatMap((file) => {
    const format = registry.formats.find(({ id }) => id === file.formatId);
    return file.kind === 'log' && format?.kind === 'log' ? [{ file, format }] : [];
  });
  const read: ReadLogs[] = [];
  for (const { file, format } of logs) read.push(await readLog(file.absolutePath, file.path, format, signal));
  return { series: read.flatMap(({ series }) => series), problems: read.flatMap(({ problems }) => problems) };
}

/** Every quantity in one log file. @throws {FormatError} when it cannot be read or is no log. */
export async function readLogFile(file: string, signal: AbortSignal): Promise<ReadLogs> {
  const source = await openFile(file);
  const registry = createFormatRegistry();
  let format;
  try {
    const head = await source.read(0, Math.min(sniffLength, source.size));
    format = registry.identify({ name: path.basename(file), head, size: source.size });
  } finally {
    await source.close();
  }
  if (format?.kind !== 'log') {
    const readable = registry.formats.filter(({ kind }) => kind === 'log').map(({ label }) => label).join(', ');
    throw new FormatError(file, '', `is ${format ? `a ${format.label} file, not` : 'not'} a log that can be read (${readable})`);
  }
  return readLog(file, path.basename(file), format, signal);
}

async function readLog(file: string, name: string, format: LogFormat, signal: AbortSignal): Promise<ReadLogs> {
  const log = new FollowedLog(file, name, format);
  const collector = new ScalarCollector(name);
  const problems: FileProblem[] = [];
  for (;;) {
    signal.throwIfAborted();
    const change = await log.poll();
    collector.append(change.rows);
    problems.push(...change.problems);
    if (!change.more) break;
  }
  const rest = log.finish();
  collector.append(rest.rows);
  problems.push(...rest.problems);
  if (collector.ignoredPoints > 0) {
    problems.push({ file: name, place: '', reason: `has too many quantities; ${String(collector.ignoredPoints)} points were left out`, severity: 'warning' });
  }
  return { series: collector.series(), problems };
}
