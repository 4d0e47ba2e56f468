import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { compareNaturally, createFormatRegistry, explainSystemError, FormatError, openTensors } from '../formats';
import { openImageArrays } from './imageArrays';
import { cifarName, idxName, openCifar, openIdx } from './imageBinaries';
import { openImageFolder } from './imageFolder';
import type { ImageSet } from './picture';

/**
 * Images of a folder of PNG, JPEG and WebP files, of an `.npy`, `.npz` or safetensors file, of an idx file (MNIST, also .gz), or of CIFAR's binary files (one of
 * them, or the folder with its training batches).
 * @throws {FormatError} naming the file, the place and the reason
 */
export async function openImages(source: string): Promise<ImageSet> {
  const status = await stat(source).catch((error: unknown) => {
    throw new FormatError(source, '', explainSystemError(error));
  });
  if (status.isDirectory()) {
    const batches = (await readdir(source)).filter((name) => /^data_batch_\d+\.bin$/i.test(name)).sort(compareNaturally);
    return batches.length === 0 ? openImageFolder(source) : joined(source, await Promise.all(batches.map((name) => openCifar(path.join(source, name)))));
  }
  if (idxName.test(source)) return openIdx(source);
  if (cifarName.test(source)) return openCifar(source);
  const opened = await openTensors(source, createFormatRegistry());
  try {
    return await openImageArrays(source, opened.file);
  } finally {
    await opened.close();
  }
}

/** Several sets one behind another. */
function joined(name: string, sets: readonly ImageSet[]): ImageSet {
  const find = (index: number) => {
    let at = index;
    for (const set of sets) {
      if (at < set.count) return { set, at };
      at -= set.count;
    }
    throw new RangeError(`${name} has no image ${index}`);
  };
  return {
    name,
    count: sets.reduce((sum, set) => sum + set.count, 0),
    label: (index) => {
      const { set, at } = find(index);
      return set.label(at);
    },
    async read(index) {
      const { set, at } = find(index);
      return set.read(at);
    },
  };
}
