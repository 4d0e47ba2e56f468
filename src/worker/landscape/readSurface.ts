import { openSurfaces } from '../../formats/surfaceFile';
import { describeSurface } from '../../landscape';
import type { LandscapeSurface } from '../../protocol';

/**
 * The loss surfaces of a file (all that `readSurfaceFile` reads), with minimum, convexity and flatness where the file does not say them.
 * @throws {FormatError} naming the file and what it lacks
 */
export async function readSurfaces(file: string): Promise<LandscapeSurface[]> {
  return (await openSurfaces(file)).map(({ surface, finished }) => (surface.flatness === null && surface.convex.length === 0 ? describeSurface({ ...surface, finished }) : surface));
}
