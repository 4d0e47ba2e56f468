import { basename } from 'node:path';

/** Folders that never hold runs and often hold very many files. */
const skipped = new Set([
  'node_modules', '.git', '.hg', '.svn', '.venv', 'venv', '.env', '__pycache__', '.layerscope', 'dist', 'build', '.cache', '.tox', '.nox', '.mypy_cache',
  '.pytest_cache', '.ruff_cache', '.ipynb_checkpoints', '.vscode', '.vscode-test', '.idea', '.eggs', 'site-packages', '.Trash', '.trash', '$RECYCLE.BIN',
]);

/** Folders into which training scripts sort the files of one run: what lies in them belongs to the run above. */
const partOfRun =
  /^(?:probes?|features?|checkpoints?|ckpts?|logs?|tensorboard(?:_?logs)?|tb(?:_?logs)?|weights|models?|snapshots?|saved_models?|state_dicts?|(?:checkpoint|ckpt|epoch|step|iter)[-_=]?\d+|epoch=\d+.*)$/i;

/**
 * Folders whose names say nothing by themselves, but that lie in the folder of one run: MLflow's <experiment>/<id of 32 digits>/metrics/val,
 * W&B's offline-run-20260102_030405-id/files/media.
 */
const insideRun = /[\\/](?:[0-9a-f]{32}[\\/](?:metrics|artifacts)|(?:offline-)?run-\d{8}_\d{6}-[^\\/]+[\\/](?:files|logs|tmp))(?:[\\/]|$)/;

/** Hydra puts this into the folder of each job: whatever loggers and callbacks write below belongs to that one training. */
export const folderOfJob = '.hydra';

/** Folders whose tensor files are features unless they say otherwise. */
const ofProbes = /^(?:probes?|features?)$/i;

/** Folders in which a file of weights is a checkpoint, whatever it is called. */
const ofCheckpoints = /^(?:checkpoints?|ckpts?|weights|snapshots?|state_dicts?|(?:checkpoint|ckpt|epoch|step|iter)[-_=]?\d+)$/i;

export function isSkippedFolder(name: string): boolean {
  return skipped.has(name);
}

/** @param path absolute or relative path of a folder */
export function isPartOfRun(path: string): boolean {
  return partOfRun.test(basename(path)) || insideRun.test(path);
}

export function isProbeFolder(folderName: string): boolean {
  return ofProbes.test(folderName);
}

export function isCheckpointFolder(folderName: string): boolean {
  return ofCheckpoints.test(folderName);
}
