import path from 'node:path';
import type { Perturbation } from '../../landscape';
import type { TrajectoryPoint } from '../../protocol';
import { isPartOfRun } from '../../runs/conventions';
import type { LandscapeModel } from './landscapeModel';

/** Where a surface lies, and what it is of. */
export interface SurfacePlan {
  readonly model: LandscapeModel;
  readonly name: string;
  readonly versions: readonly string[];
  readonly files: readonly string[];
  readonly range: number;
  readonly x: readonly number[];
  /** Empty for a line. */
  readonly y: readonly number[];
  readonly perturbation: Perturbation;
  /** Checkpoints in the surface; `loss` is filled in. */
  readonly trajectory: readonly (TrajectoryPoint & { readonly model: LandscapeModel })[];
  readonly warnings: readonly string[];
}

/** The name of a checkpoint: its path with the folder of its run. */
export function checkpointName(file: string): string {
  return path.relative(path.dirname(runFolderOf(file)), file).split(path.sep).join('/');
}

/** The folder of the run that a checkpoint belongs to. */
export function runFolderOf(file: string): string {
  let folder = path.dirname(file);
  while (isPartOfRun(path.basename(folder)) && path.dirname(folder) !== folder) folder = path.dirname(folder);
  return folder;
}
