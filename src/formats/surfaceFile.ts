import { basename } from 'node:path';
import type { LandscapeSurface } from '../protocol';
import { FormatError, type ByteSource } from './byteSource';
import { openFile } from './fileSource';
import { hdf5 } from './hdf5';
import { parseJson } from './jsonObjects';
import { npz } from './npz';
import { FormatRegistry, sniffLength } from './registry';
import { safetensors } from './safetensors';
import { surfaceOfArrays, type SurfaceOfFile } from './surfaceArrays';
import { parseSurfaces } from './surfaceDocument';

const largestFile = 64 * 1024 * 1024;
const tensorFormats = new FormatRegistry([npz, hdf5, safetensors]);

/**
 * The loss surfaces of a file: `.h5` of tomgoldstein/loss-landscape, `.npz` as the companion writes it (companion/README.md), any `.npz`, `.h5` or safetensors
 * file with `loss` [y, x] and its coordinates, else JSON as `layerscope landscape --json` prints it.
 * @throws {FormatError} when the file is something else, naming the place and the reason
 */
export async function readSurfaceFile(path: string): Promise<readonly LandscapeSurface[]> {
  return (await openSurfaces(path)).map(({ surface }) => surface);
}

/** As `readSurfaceFile`, and whether each surface is finished. */
export async function openSurfaces(path: string): Promise<readonly SurfaceOfFile[]> {
  const source = await openFile(path);
  try {
    return await surfacesOf(source);
  } finally {
    await source.close();
  }
}

/** As `readSurfaceFile`, of a source whose name is its path. */
export async function readSurfaces(source: ByteSource): Promise<readonly LandscapeSurface[]> {
  return (await surfacesOf(source)).map(({ surface }) => surface);
}

async function surfacesOf(source: ByteSource): Promise<readonly SurfaceOfFile[]> {
  if (source.size > largestFile) throw new FormatError(source.name, '', `is too large for a loss surface: ${source.size} bytes, at most ${largestFile} are read`);
  const name = basename(source.name.replaceAll('\\', '/'));
  const format = tensorFormats.identify({ name, head: await source.read(0, Math.min(sniffLength, source.size)), size: source.size });
  if (format?.kind === 'tensors') {
    const file = await format.open(source, () => Promise.reject(new FormatError(source.name, '', 'a loss surface has no other files')));
    return [await surfaceOfArrays(file, source.name)];
  }
  const text = new TextDecoder().decode(await source.read(0, source.size));
  const value = parseJson(text);
  if (value === undefined) throw new FormatError(source.name, '', 'is neither an .npz, .h5 or .safetensors file nor JSON');
  return parseSurfaces(value, source.name).map((surface) => ({ surface, finished: surface.loss.every((loss) => loss !== null) }));
}
