/** Where results lie as seen from the run, also when they lie in the storage of the editor. */
export const resultsFolder = '.layerscope';

/** Whether a file of a run is one that was made of its other files. */
export function isResult(path: string): boolean {
  return path.startsWith(`${resultsFolder}/`);
}
