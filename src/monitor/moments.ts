import { compareNaturally } from '../formats';
import { type FileOnDisk, isShard } from '../runs';

/** A place in training, as far as it is known. */
export interface Moment {
  readonly epoch: number | null;
  readonly step: number | null;
}

/** Whether two files are of one moment: what both of them say is the same, and there is something that both of them say. */
export function isSameMoment(a: Moment, b: Moment): boolean {
  const said = (['epoch', 'step'] as const).filter((axis) => a[axis] !== null && b[axis] !== null);
  return said.length > 0 && said.every((axis) => a[axis] === b[axis]);
}

/**
 * The checkpoints that no probe was recorded at; of several of one content the first in natural order of their paths. There may be thousands of both.
 * @param probes those that were recorded
 */
export function withoutProbes<Checkpoint extends Moment & { readonly path: string; readonly fingerprint: string; readonly layers: readonly string[] }>(
  checkpoints: readonly Checkpoint[], probes: readonly Moment[],
): Checkpoint[] {
  const byEpoch = groupBy(probes, ({ epoch }) => epoch);
  const byStep = groupBy(probes, ({ step }) => step);
  const stepless = groupBy(probes.filter(({ step }) => step === null), ({ epoch }) => epoch);
  const hasProbe = (checkpoint: Checkpoint): boolean => {
    const { epoch, step } = checkpoint;
    const candidates = step === null ? [byEpoch.get(epoch)] : [byStep.get(step), stepless.get(epoch)];
    return candidates.some((some) => some?.some((probe) => isSameMoment(probe, checkpoint)) ?? false);
  };
  const first = new Map<string, Checkpoint>();
  for (const checkpoint of checkpoints) {
    if (checkpoint.layers.length === 0 || hasProbe(checkpoint)) continue;
    const known = first.get(checkpoint.fingerprint);
    if (known === undefined || compareNaturally(checkpoint.path, known.path) < 0) first.set(checkpoint.fingerprint, checkpoint);
  }
  return [...first.values()];
}

function groupBy(moments: readonly Moment[], axis: (moment: Moment) => number | null): Map<number | null, Moment[]> {
  const groups = new Map<number | null, Moment[]>();
  for (const moment of moments) {
    const group = groups.get(axis(moment));
    if (group) group.push(moment);
    else groups.set(axis(moment), [moment]);
  }
  return groups;
}

/** Checkpoints of a run that can be read, the one that was written last first, as far as names and times of files tell. */
export function newestCheckpoints(files: readonly FileOnDisk[]): FileOnDisk[] {
  const usable = files.filter(({ kind, formatId, problem, path }) => kind === 'checkpoint' && formatId !== null && problem === null && !isShard(path));
  const place = (file: FileOnDisk, axis: 'epoch' | 'step'): number => file[axis] ?? -1;
  return [...usable].sort((a, b) => place(b, 'epoch') - place(a, 'epoch') || place(b, 'step') - place(a, 'step') || b.modified - a.modified);
}
