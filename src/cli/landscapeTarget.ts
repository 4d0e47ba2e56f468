import path from 'node:path';
import { inTrainingOrder, isShard, type FileOnDisk } from '../runs';
import { InputError, UsageError } from './command';
import { kindOfPath, openRun } from './target';

/**
 * The checkpoints that the arguments name, absolute: a file is itself, a run its last checkpoint; of a trajectory one run is all of its checkpoints.
 * @throws {InputError} when a path does not exist or a run has no checkpoint; {UsageError} when there are too few or too many
 */
export async function checkpointsOf(targets: readonly string[], directions: 'random' | 'line' | 'trajectory', signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for (const target of targets) {
    if ((await kindOfPath(target)) === 'file') {
      found.push(path.resolve(target));
      continue;
    }
    const own = checkpointsInOrder((await openRun(target, signal)).files);
    if (own.length === 0) throw new InputError(`${target}: the run holds no checkpoint that can be read`);
    found.push(...(directions === 'trajectory' && targets.length === 1 ? own : own.slice(-1)));
  }
  if (directions === 'line' && found.length !== 2) throw new UsageError(`--line takes two checkpoints, not ${String(found.length)}`);
  if (directions === 'trajectory' && found.length < 3) throw new UsageError(`--trajectory takes a run or at least three checkpoints, not ${String(found.length)}`);
  return found;
}

function checkpointsInOrder(files: readonly FileOnDisk[]): string[] {
  const usable = files.filter((file) => file.kind === 'checkpoint' && file.formatId !== null && file.problem === null && !isShard(file.path));
  return inTrainingOrder(usable).map(({ absolutePath }) => absolutePath);
}
