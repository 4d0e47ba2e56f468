import { opendir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { createFormatRegistry, explainSystemError, FormatError, openFile, sniffLength } from '../formats';
import type { FileProblem, ScalarSeries } from '../protocol';
import { describeOthers, explainFolder, findRuns, FollowedLogFiles, type FoundRuns, type LogChange, type LogFiles, logFilesOf, type RunOnDisk, ScalarCollector } from '../runs';
import { InputError, UsageError } from './command';

/** So many runs are named when a folder of runs was given where one run is needed. */
const mostRunsNamed = 10;

/** The name of a run that is given by its folder. */
export function nameOfRun(folder: string): string {
  return path.basename(path.resolve(folder));
}

/** One folder may be written in several ways, and a link may lead to it. @throws {UsageError} when one is given twice. */
export async function refuseTwice(targets: readonly string[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const target of targets) {
    const folder = await realpath(target).catch(() => path.resolve(target));
    const same = seen.get(folder);
    if (same !== undefined) throw new UsageError(`${JSON.stringify(target)} is named twice${same === target ? '' : `, also as ${JSON.stringify(same)}`}`);
    seen.set(folder, target);
  }
}

/** @throws {InputError} when the path does not exist or may not be looked at. */
export async function kindOfPath(target: string): Promise<'folder' | 'file'> {
  const isFolder = await stat(target).then((found) => found.isDirectory(), (error: unknown) => {
    throw new InputError(`${target}: ${explainSystemError(error)}`);
  });
  if (!isFolder) return 'file';
  try {
    await (await opendir(target)).close();
  } catch (error) {
    throw new InputError(`${target}: ${explainFolder(error)}`);
  }
  return 'folder';
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
  const read: ReadLogs[] = [];
  for (const log of logFilesOf(files, createFormatRegistry())) read.push(await readLog(log, signal));
  return { series: read.flatMap(({ series }) => series), problems: read.flatMap(({ problems }) => problems) };
}

/** Every quantity in one log file. @throws {FormatError} when it cannot be read or is no log. */
export async function readLogFile(file: string, signal: AbortSignal): Promise<ReadLogs> {
  const source = await openFile(file);
  const registry = createFormatRegistry();
  const absolutePath = path.resolve(file);
  let format;
  try {
    const head = await source.read(0, Math.min(sniffLength, source.size));
    format = registry.identify({ name: path.basename(file), folder: path.dirname(absolutePath), head, size: source.size });
  } finally {
    await source.close();
  }
  if (format?.kind !== 'log') {
    const readable = registry.formats.filter(({ kind }) => kind === 'log').map(({ label }) => label).join(', ');
    throw new FormatError(file, '', `is ${format ? `a ${format.label} file, not` : 'not'} a log that can be read (${readable})`);
  }
  const name = path.basename(file);
  const about = { bytes: source.size, modified: 0, epoch: null, step: null, problem: null };
  return readLog({ source: name, format, files: [{ kind: 'log', path: name, absolutePath, formatId: format.id, format: format.label, ...about }] }, signal);
}

async function readLog(log: LogFiles, signal: AbortSignal): Promise<ReadLogs> {
  const followed = new FollowedLogFiles(log, log.format);
  const collector = new ScalarCollector(log.source);
  const problems: FileProblem[] = [];
  for await (const { change } of followed.changes()) {
    signal.throwIfAborted();
    if (change.restarted) {
      collector.clear();
      problems.length = 0;
    }
    collect(collector, change);
    problems.push(...change.problems);
  }
  for (const { rest } of followed.finish()) {
    collect(collector, rest);
    problems.push(...rest.problems);
  }
  const file = log.source;
  const others = describeOthers(followed.otherTags());
  if (others !== null) problems.push({ file, place: '', reason: others, severity: 'info' });
  if (collector.ignoredPoints > 0) {
    problems.push({ file, place: '', reason: `has too many quantities; ${String(collector.ignoredPoints)} points were left out`, severity: 'warning' });
  }
  return { series: collector.series(), problems };
}

function collect(collector: ScalarCollector, { rows, columns }: Pick<LogChange, 'rows' | 'columns'>): void {
  collector.append(rows);
  if (columns !== null) collector.appendColumns(columns);
}
