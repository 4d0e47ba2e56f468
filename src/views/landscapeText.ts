import * as path from 'node:path';
import type { LandscapeOrder, LandscapeSurface, RunSummary } from '../protocol';
import { contains } from './runFacts';

/** The tab of a panel; before anything is known, of what was asked for. */
export function landscapeTitle(surfaces: readonly LandscapeSurface[], order?: LandscapeOrder): string {
  const [first] = surfaces;
  if (first === undefined) return order === undefined ? 'Loss surface' : `Loss: ${path.basename(order.checkpoints.at(-1) ?? '')}`;
  return surfaces.length === 1 ? `Loss: ${first.name}` : `Loss: ${first.name} and ${surfaces.length - 1} more`;
}

/** A name for an export that is valid on every platform. */
export function landscapeFileName(surfaces: readonly LandscapeSurface[], ending: string): string {
  const names = [...new Set(surfaces.map(({ name }) => name.replace(/[^\p{L}\p{N}.+-]+/gu, '-').replace(/^[.-]+|[.-]+$/g, '')))].filter((name) => name !== '');
  const joined = names.length === 0 || names.length > 3 ? 'surfaces' : names.join('-');
  return `loss-${joined.slice(0, 120)}.${ending}`;
}

/**
 * The run and the place of a checkpoint that a surface names: an absolute path, one relative to a run's folder, or one relative to the file the surface
 * was read from. Runs in whose folder that file lies come first. Null when no run lists it.
 */
export function findCheckpoint(
  file: string,
  surface: Pick<LandscapeSurface, 'file'>,
  runs: readonly RunSummary[],
): { readonly run: RunSummary; readonly path: string } | null {
  const near = (run: RunSummary): number => (path.isAbsolute(surface.file) && contains(run.folder, surface.file) ? 0 : 1);
  for (const run of [...runs].sort((a, b) => near(a) - near(b))) {
    const places = path.isAbsolute(file) ? [file] : [path.resolve(run.folder, file), ...(path.isAbsolute(surface.file) ? [path.resolve(path.dirname(surface.file), file)] : [])];
    for (const place of places) {
      if (run.files.some((one) => path.resolve(run.folder, one.path) === place)) return { run, path: place };
    }
  }
  return null;
}
