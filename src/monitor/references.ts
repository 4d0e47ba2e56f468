import { compareNaturally } from '../formats';
import type { CheckpointReference, CheckpointReferences, LayerTask } from './layerMeasurer';
import type { InspectedTensors } from './tensorWatch';
import { isUnchanged } from './tensorWatch';

/** A checkpoint or probe file whose content is known. */
export interface KnownFile {
  /** Relative to the run's folder. */
  readonly path: string;
  readonly absolutePath: string;
  readonly content: InspectedTensors;
}

export const noReferences: CheckpointReferences = { previous: null, first: null };

/**
 * What each checkpoint (or each probe) of a run is compared with, by path: the nearest earlier one and the first one of those that hold the same
 * layers, so that the files of a generator are never compared with those of a discriminator, nor probes of one set of samples with those of
 * another. Files of one moment are not earlier than each other; one that says neither epoch nor step is compared with none.
 */
export function findReferences(files: readonly KnownFile[]): Map<string, CheckpointReferences> {
  const references = new Map<string, CheckpointReferences>();
  const groups = new Map<string, KnownFile[]>();
  for (const file of files) {
    const { signature, epoch, step } = file.content;
    references.set(file.path, noReferences);
    if (epoch === null && step === null) continue;
    const group = groups.get(signature);
    if (group) group.push(file);
    else groups.set(signature, [file]);
  }
  for (const group of groups.values()) {
    // Epochs and steps do not compare: the axis that more of them have counts.
    const axis = group.filter(({ content }) => content.epoch !== null).length * 2 >= group.length ? 'epoch' : 'step';
    const placed = group.filter(({ content }) => content[axis] !== null).sort((a, b) => compareMoments(a, b, axis) || compareNaturally(a.path, b.path));
    const [first] = placed;
    let previous: KnownFile | null = null;
    for (const [i, file] of placed.entries()) {
      const before = placed[i - 1];
      if (before !== undefined && compareMoments(before, file, axis) < 0) previous = before;
      references.set(file.path, { previous: previous && toReference(previous), first: toReference(first ?? file) });
    }
  }
  return references;
}

function compareMoments({ content: a }: KnownFile, { content: b }: KnownFile, axis: 'epoch' | 'step'): number {
  const difference = (a[axis] ?? 0) - (b[axis] ?? 0);
  return difference === 0 && a.step !== null && b.step !== null ? a.step - b.step : difference;
}

function toReference({ absolutePath, content: { fileVersion, fingerprint } }: KnownFile): CheckpointReference {
  return { file: absolutePath, fileVersion, fingerprint };
}

/** Which of the files that went into a measurement is no longer what it was; null when none. */
export async function findChanged(task: LayerTask, fileVersion: string): Promise<string | null> {
  const files = new Map([[task.file, fileVersion]]);
  const references = task.kind === 'weights' ? [task.references.previous, task.references.first] : [task.previous];
  for (const reference of references) if (reference !== null) files.set(reference.file, reference.fileVersion);
  for (const [file, version] of files) if (!(await isUnchanged(file, version))) return file;
  return null;
}
