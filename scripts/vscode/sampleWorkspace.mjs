import { cp } from 'node:fs/promises';
import path from 'node:path';
import { sample } from './paths.mjs';
import { removeFolder, temporaryFolder } from './processes.mjs';

/** The run of the sample worth seeing first: the one that memorizes. */
export const sampleRunToShow = 'simclr-digits-memorizing';

/** A temporary copy of the sample runs, so that nothing is written into the checkout. */
export async function sampleWorkspace() {
  const parent = temporaryFolder('layerscope-');
  const folder = path.join(parent, 'sample');
  await cp(sample, folder, { recursive: true, filter: (file) => path.basename(file) !== '.layerscope' });
  return { folder, remove: () => removeFolder(parent) };
}
