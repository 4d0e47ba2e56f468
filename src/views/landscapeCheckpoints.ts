import * as path from 'node:path';
import type { RunFile, RunSummary } from '../protocol';
import { inTrainingOrder, isShard } from '../runs/checkpointOrder';
import type { RunsNode } from './runsNodes';

/** A checkpoint that somebody wants a landscape of. */
export interface ChosenCheckpoint extends Pick<RunFile, 'path' | 'epoch' | 'step'> {
  /** Absolute path. */
  readonly file: string;
  readonly run: RunSummary;
}

/** The checkpoints of a run that can be read, earliest first. */
export function usableCheckpoints(run: RunSummary): ChosenCheckpoint[] {
  const usable = run.files.filter(({ kind, state, path: file }) => kind === 'checkpoint' && state !== 'problem' && !isShard(file));
  return inTrainingOrder(usable).map((file) => chosen(run, file));
}

/**
 * The checkpoints that rows of the Runs tree stand for: a checkpoint for itself, each of several runs for its last one. Null where a person has to say: nothing
 * or one run was clicked.
 */
export function checkpointsFor(nodes: readonly RunsNode[]): ChosenCheckpoint[] | null {
  const files = nodes.flatMap((node) => (node.kind === 'file' && node.file.kind === 'checkpoint' ? [chosen(node.run, node.file)] : []));
  if (files.length > 0) {
    const runs = [...new Set(files.map(({ run }) => run.id))];
    return runs.flatMap((id) => inTrainingOrder(files.filter(({ run }) => run.id === id)));
  }
  const runs = nodes.flatMap((node) => (node.kind === 'run' ? [node.run] : []));
  return runs.length < 2 ? null : runs.flatMap((run) => usableCheckpoints(run).slice(-1));
}

function chosen(run: RunSummary, { path: file, epoch, step }: RunFile): ChosenCheckpoint {
  return { file: path.resolve(run.folder, file), path: file, epoch, step, run };
}
