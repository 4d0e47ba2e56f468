/** Folders that never hold runs and often hold very many files. */
const skipped = new Set([
  'node_modules', '.git', '.hg', '.svn', '.venv', 'venv', '.env', '__pycache__', '.layerscope', 'dist', 'build', '.cache', '.tox', '.nox', '.mypy_cache',
  '.pytest_cache', '.ruff_cache', '.ipynb_checkpoints', '.vscode', '.vscode-test', '.idea', '.eggs', 'site-packages', '.Trash', '$RECYCLE.BIN',
]);

/** Folders into which training scripts sort the files of one run: what lies in them belongs to the run above. */
const partOfRun =
  /^(?:probes?|features?|checkpoints?|ckpts?|logs?|weights|models?|snapshots?|saved_models?|state_dicts?|(?:checkpoint|ckpt|epoch|step|iter)[-_=]?\d+|epoch=\d+.*)$/i;

/** Folders whose tensor files are features unless they say otherwise. */
const ofProbes = /^(?:probes?|features?)$/i;

/** Folders in which a file of weights is a checkpoint, whatever it is called. */
const ofCheckpoints = /^(?:checkpoints?|ckpts?|weights|snapshots?|state_dicts?|(?:checkpoint|ckpt|epoch|step|iter)[-_=]?\d+)$/i;

export function isSkippedFolder(name: string): boolean {
  return skipped.has(name);
}

export function isPartOfRun(folderName: string): boolean {
  return partOfRun.test(folderName);
}

export function isProbeFolder(folderName: string): boolean {
  return ofProbes.test(folderName);
}

export function isCheckpointFolder(folderName: string): boolean {
  return ofCheckpoints.test(folderName);
}
