import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { FileProblem, RunFileKind } from '../protocol';

/** One file of a run, as it lay on disk when the folder was looked at. */
export interface FileOnDisk {
  readonly kind: RunFileKind;
  /** Relative to the run's folder, forward slashes. */
  readonly path: string;
  readonly absolutePath: string;
  /** Id of the format in the registry; null when the file is recognised but cannot be read (yet). */
  readonly formatId: string | null;
  /** For people, for example "safetensors probe". */
  readonly format: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** From the file name or the folders between the run and the file. */
  readonly epoch: number | null;
  readonly step: number | null;
  /** Why it cannot be used as it is now (empty, truncated, a Git LFS pointer); it may still be being written. */
  readonly problem: FileProblem | null;
  /** What to know of a file that can be used, but may be something else than what it is taken for. */
  readonly hint?: FileProblem;
}

/** A run is the nearest folder that holds a log, a checkpoint or a probe (inputs.md, section 2). */
export interface RunOnDisk {
  /** Stable for a folder on disk. */
  readonly id: string;
  /** Path relative to the searched folder, forward slashes; the folder's own name when the run is that folder. */
  readonly name: string;
  /** Absolute path. */
  readonly folder: string;
  /** In natural order of their paths. */
  readonly files: readonly FileOnDisk[];
  /** What went wrong while looking at the run's folders. */
  readonly problems: readonly FileProblem[];
}

/** The id of the run in a folder: the same for the same absolute path, on every scan and in every session. */
export function runIdOf(folder: string): string {
  return createHash('sha1').update(resolve(folder)).digest('hex').slice(0, 16);
}
