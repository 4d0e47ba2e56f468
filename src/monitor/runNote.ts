import type { FileProblem, RunFileKind, RunFileState } from '../protocol';

export interface NotedFile {
  readonly disk: { readonly kind: RunFileKind };
  readonly state: RunFileState;
  readonly problems: readonly FileProblem[];
}

export interface NotedRecords {
  /** Whether there are any. */
  readonly any: boolean;
  /** Whether the training recorded some itself. */
  readonly ofTraining: boolean;
}

/** Why nothing can be measured of what a run's layers have learned, in words; null where something can. */
export function noteOf(files: readonly NotedFile[], records: NotedRecords): string | null {
  const probes = files.filter(({ disk }) => disk.kind === 'probe');
  if (probes.some(({ state }) => state !== 'problem')) return null;
  if (probes.length > 0) return whyNoneIsUsed(probes);
  if (records.ofTraining) {
    return 'Only what the training recorded itself is shown of the features. Record the features of a fixed set of samples at each checkpoint to measure everything else.';
  }
  if (records.any) {
    return 'Only weights are measured: they do not show what the layers have learned about the data. Record the features of a fixed set of samples at each checkpoint to see that, or choose probe data: images that the models of the checkpoints are shown.';
  }
  const has = (wanted: RunFileKind) => files.some(({ disk }) => disk.kind === wanted);
  const found = has('checkpoint') ? (has('log') ? 'logs and checkpoints' : 'checkpoints') : 'logs';
  const choose = has('checkpoint') ? ', or choose probe data: images that the models of the checkpoints are shown' : '';
  return `No probe files yet; ${found} alone do not show what the layers have learned. Record the features of a fixed set of samples at each checkpoint to measure them${choose}.`;
}

function whyNoneIsUsed(probes: readonly NotedFile[]): string {
  const [problem] = probes.flatMap(({ problems }) => problems).sort((a, b) => (a.file < b.file ? -1 : 1));
  const reason = problem === undefined ? '.' : `: ${[problem.file, problem.place].filter((part) => part !== '').join(', ')}: ${problem.reason}.`;
  return probes.length === 1 ? `The only probe file cannot be used${reason}` : `None of the ${probes.length} probe files can be used; the first of them${reason}`;
}
