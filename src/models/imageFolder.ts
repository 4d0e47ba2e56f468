import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { compareNaturally, explainSystemError, FormatError } from '../formats';
import { decodeImage, imageEnding } from './imageDecoders';
import type { ImageSet } from './picture';

/** ImageNet has 1.3 million. */
const mostImages = 2_000_000;
const deepestFolder = 16;

/**
 * PNG, JPEG and WebP files of a folder and those below it, in natural order of their paths. As in torchvision's ImageFolder, the first folder on the way is
 * the class; files that lie in the folder itself have none.
 * @throws {FormatError} when the folder cannot be listed or holds no image
 */
export async function openImageFolder(folder: string): Promise<ImageSet> {
  const files: string[] = [];
  const list = async (relative: string, depth: number): Promise<void> => {
    const entries = await readdir(path.join(folder, relative), { withFileTypes: true }).catch((error: unknown) => {
      throw new FormatError(path.join(folder, relative), '', explainSystemError(error));
    });
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const inside = path.join(relative, entry.name);
      if (entry.isDirectory() && depth < deepestFolder) await list(inside, depth + 1);
      else if (imageEnding.test(entry.name) && !entry.isDirectory()) files.push(inside);
      if (files.length > mostImages) throw new FormatError(folder, '', `holds more than ${mostImages} images`);
    }
  };
  await list('', 0);
  if (files.length === 0) throw new FormatError(folder, '', 'holds no PNG, JPEG or WebP image');
  files.sort(compareNaturally);
  const classOf = (file: string) => (file.includes(path.sep) ? file.slice(0, file.indexOf(path.sep)) : null);
  const classes = [...new Set(files.map(classOf).filter((name) => name !== null))].sort();
  return {
    name: folder,
    count: files.length,
    label: (index) => classes.indexOf(classOf(files[index]!) ?? ''),
    async read(index) {
      const file = path.join(folder, files[index]!);
      const bytes = await readFile(file).catch((error: unknown) => {
        throw new FormatError(file, '', explainSystemError(error));
      });
      return decodeImage(file, bytes);
    },
  };
}
