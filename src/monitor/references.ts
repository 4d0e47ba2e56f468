import { compareNaturally } from '../formats';
import type { CheckpointReference, CheckpointReferences } from './layerMeasurer';
import type { InspectedTensors } from './tensorWatch';

/** A checkpoint file whose content is known. */
export interface KnownCheckpoint {
  /** Relative to the run's folder. */
  readonly path: string;
  readonly absolutePath: string;
  readonly content: InspectedTensors;
}

export const noReferences: CheckpointReferences = { previous: null, first: null };

/**
 * What each checkpoint of a run is compared with, by path: the nearest earlier one and the first one of those that hold the same layers, so that
 * the files of a generator are never compared with those of a discriminator. Checkpoints of one moment are not earlier than each other; one that
 * says neither epoch nor step is compared with none.
 */
export function findReferences(checkpoints: readonly KnownCheckpoint[]): ReadonlyMap<string, CheckpointReferences> {
  const references = new Map<string, CheckpointReferences>();
  const groups = new Map<string, KnownCheckpoint[]>();
  for (const checkpoint of checkpoints) {
    const { signature, epoch, step } = checkpoint.content;
    references.set(checkpoint.path, noReferences);
    if (epoch === null && step === null) continue;
    const group = groups.get(signature);
    if (group) group.push(checkpoint);
    else groups.set(signature, [checkpoint]);
  }
  for (const group of groups.values()) {
    // Epochs and steps do not compare: the axis that more of them have counts.
    const axis = group.filter(({ content }) => content.epoch !== null).length * 2 >= group.length ? 'epoch' : 'step';
    const placed = group.filter(({ content }) => content[axis] !== null).sort((a, b) => compareMoments(a, b, axis) || compareNaturally(a.path, b.path));
    const [first] = placed;
    let previous: KnownCheckpoint | null = null;
    for (const [i, checkpoint] of placed.entries()) {
      const before = placed[i - 1];
      if (before !== undefined && compareMoments(before, checkpoint, axis) < 0) previous = before;
      references.set(checkpoint.path, { previous: previous && toReference(previous), first: toReference(first ?? checkpoint) });
    }
  }
  return references;
}

function compareMoments({ content: a }: KnownCheckpoint, { content: b }: KnownCheckpoint, axis: 'epoch' | 'step'): number {
  const difference = (a[axis] ?? 0) - (b[axis] ?? 0);
  return difference === 0 && a.step !== null && b.step !== null ? a.step - b.step : difference;
}

function toReference({ absolutePath, content: { fileVersion, fingerprint } }: KnownCheckpoint): CheckpointReference {
  return { file: absolutePath, fileVersion, fingerprint };
}
