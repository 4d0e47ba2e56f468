import type { FileProblem, FolderProblem, HealthState, RunFile, RunFileKind, RunFileState, RunSummary, WatchedFolder, WorkerStatus } from '../protocol';

/** A watched folder as the host knows it: whether it holds the sample runs that come with the extension. */
export interface HostFolder extends WatchedFolder {
  readonly sample: boolean;
  /** Why it cannot be searched, when that is so. */
  readonly problem?: string;
}

/** The folders with what is wrong with them. */
export function withProblems(folders: readonly HostFolder[], problems: readonly FolderProblem[]): readonly HostFolder[] {
  if (problems.length === 0) return folders;
  const reasons = new Map(problems.map(({ folder, reason }) => [folder, reason]));
  return folders.map((folder) => {
    const problem = reasons.get(folder.path);
    return problem === undefined ? folder : { ...folder, problem };
  });
}

export const healthWords: Readonly<Record<HealthState, string>> = {
  unknown: 'not judged yet', healthy: 'healthy', watch: 'watch', act: 'act',
};
export const stateWords: Readonly<Record<RunFileState, string>> = {
  found: '', waiting: 'still being written', queued: 'queued', measuring: 'measuring', measured: 'measured', problem: 'cannot be read',
};

const healthOrder: readonly HealthState[] = ['unknown', 'healthy', 'watch', 'act'];

/** The worst health of the runs; unknown when there are none. */
export function worstHealth(runs: readonly RunSummary[]): HealthState {
  const worst = Math.max(0, ...runs.map((run) => healthOrder.indexOf(run.health)));
  return healthOrder[worst] ?? 'unknown';
}

/** How far training has come, in words: "epoch 96", "step 1200" or nothing. */
export function positionOf(run: Pick<RunSummary | RunFile, 'epoch' | 'step'>): string {
  if (run.epoch !== null) return `epoch ${run.epoch}`;
  return run.step !== null ? `step ${run.step}` : '';
}

/** The watched folder a run lies in: the one with the longest matching path. */
export function folderOfRun(run: RunSummary, folders: readonly HostFolder[]): HostFolder | null {
  let best: HostFolder | null = null;
  for (const folder of folders) {
    if (contains(folder.path, run.folder) && (best === null || folder.path.length > best.path.length)) best = folder;
  }
  return best;
}

/** Whether `path` is `folder` or lies below it; both absolute, of one platform. */
export function contains(folder: string, path: string): boolean {
  const separator = folder.includes('\\') ? '\\' : '/';
  const base = folder.endsWith(separator) ? folder : folder + separator;
  return path === folder || path.startsWith(base);
}

/** The run to show when none was chosen: the one that needs a person most, then the one written to last. */
export function runToShowFirst(runs: readonly RunSummary[]): RunSummary | null {
  const ranked = [...runs].sort(
    (a, b) => worthOf(b) - worthOf(a) || healthOrder.indexOf(b.health) - healthOrder.indexOf(a.health) || b.modified - a.modified,
  );
  return ranked[0] ?? null;
}

/** Probes show what layers have learned, checkpoints their weights, logs neither; nor does a file that cannot be read. */
function worthOf(run: RunSummary): number {
  const has = (kind: RunFileKind): boolean => run.files.some((file) => file.kind === kind && file.state !== 'problem');
  return has('probe') ? 2 : Number(has('checkpoint'));
}

/** "12 of 13 measured", "13", or "1 unreadable": what a group of files says about itself. Checkpoints of which nothing is measured are only counted. */
export function describeFiles(kind: RunFileKind, files: readonly RunFile[]): string {
  const problems = files.filter((file) => file.state === 'problem').length;
  const note = problems > 0 ? `, ${problems} unreadable` : '';
  const measured = files.filter((file) => file.state === 'measured').length;
  if (kind !== 'probe' && measured === 0) return `${files.length}${note}`;
  return measured === files.length ? `${files.length} measured` : `${measured} of ${files.length} measured${note}`;
}

/** What a file is called in a list: features that were extracted are those of a checkpoint, everything else has its own name. */
export function titleOf({ path, format }: Pick<RunFile, 'path' | 'format'>): string {
  return path.startsWith('.layerscope/features/') ? format : (path.split('/').at(-1) ?? path);
}

/** Bytes for people: 980 B, 312 kB, 4.1 MB; decimal prefixes. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** Text from a file as literal Markdown: no links, no icons, no formatting, one line. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ')
    .replace(/[\\`*_{}[\]()<>#+\-.!|~$&:@]/g, (character) => `\\${character}`);
}

/** The zero-based line of a problem's place ("line 12" is 11), or null when it names no line. */
export function lineOfPlace(place: string): number | null {
  const match = /^line (\d+)\b/.exec(place);
  return match?.[1] === undefined ? null : Math.max(0, Number(match[1]) - 1);
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}


/** The worker's state in one line for the log: "Worker running, engine onnxruntime 1.30.0". */
export function describeWorker({ state, engine, message }: WorkerStatus): string {
  const engineWords = engine === null ? '' : engine.name === 'unavailable' ? `no engine: ${engine.reason}` : `engine ${engine.name} ${engine.version}`;
  return [`Worker ${state}`, engineWords, message].filter((part) => part !== '').join(', ');
}

/** What is wrong with a file, without its name. */
export function whereAndWhy(problem: FileProblem): string {
  return problem.place === '' ? problem.reason : `${problem.place}: ${problem.reason}`;
}
