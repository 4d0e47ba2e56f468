import type { LandscapeSurface } from '../../../src/protocol';
import { contourDrawing, convexOutline, type ContourDrawing, type Place } from './contours';
import { isLine, makeGrid, type SurfaceGrid } from './grid';
import { lossRange, makeHeightScale, type HeightKind, type HeightScale } from './heightScale';

/** One surface ready to be drawn. */
export interface SurfaceModel {
  readonly surface: LandscapeSurface;
  readonly grid: SurfaceGrid;
  /** The same for all surfaces that are shown together. */
  readonly scale: HeightScale;
  readonly contours: ContourDrawing;
  readonly outline: readonly (readonly Place[])[];
}

/** The surfaces (lines left out) over one scale; none without any computed point. */
export function makeSurfaceModels(surfaces: readonly LandscapeSurface[], height: HeightKind): readonly SurfaceModel[] {
  const shown = surfaces.filter((surface) => !isLine(surface));
  const range = lossRange(shown.map(({ loss }) => loss));
  if (range === null) return [];
  const scale = makeHeightScale(height, range);
  return shown.map((surface) => {
    const grid = makeGrid(surface);
    return { surface, grid, scale, contours: contourDrawing(grid, scale), outline: convexOutline(grid, surface.convex) };
  });
}
