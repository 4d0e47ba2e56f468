import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import util from 'node:util';
import type { TensorFlowPackage } from '../linalg';

const packageName = '@tensorflow/tfjs-node';

/** How long a thread waits for another one that loads the library: from a slow network drive that takes a while. */
const patienceMilliseconds = 120_000;

/** The first of the folders that holds the package in its node_modules, or null. */
export function findTensorFlow(folders: readonly string[]): string | null {
  return folders.find((folder) => existsSync(path.join(folder, 'node_modules', packageName, 'package.json'))) ?? null;
}

/**
 * Loads the package, with its native library, from the first of the folders that holds it.
 * @throws {Error} naming the folders when none does, else the file that cannot be loaded and why.
 */
export function loadTensorFlow(folders: readonly string[]): TensorFlowPackage {
  const folder = findTensorFlow(folders);
  if (folder === null) throw new Error(`${packageName} is not installed (looked in ${folders.join(', ')})`);
  restoreRemovedUtil();
  // Layers are measured side by side, one a compute thread. Read by the library when it is loaded; what the user has set stays.
  process.env['TF_NUM_INTRAOP_THREADS'] ??= '1';
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  try {
    return createRequire(path.join(folder, 'package.json'))(packageName) as TensorFlowPackage;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new Error(`${packageName} in ${folder} does not load: ${reason}`, { cause });
  }
}

/** Node 23 removed functions of `util` that @tensorflow/tfjs-node 4.22 calls; they are put back where they are missing. */
export function restoreRemovedUtil(target: Record<string, unknown> = util as unknown as Record<string, unknown>): void {
  target['isNullOrUndefined'] ??= (value: unknown): boolean => value === null || value === undefined;
  target['isArray'] ??= Array.isArray;
}

/**
 * Runs the action while no other thread that shares `turn` (one Int32, 0 at first) runs one.
 * @throws {Error} when the turn does not come.
 */
export function inTurn<Value>(turn: Int32Array, action: () => Value): Value {
  while (Atomics.compareExchange(turn, 0, 0, 1) !== 0) {
    if (Atomics.wait(turn, 0, 1, patienceMilliseconds) === 'timed-out') {
      throw new Error(`another thread has not finished loading the library within ${patienceMilliseconds / 1000} s`);
    }
  }
  try {
    return action();
  } finally {
    Atomics.store(turn, 0, 0);
    Atomics.notify(turn, 0, 1);
  }
}
