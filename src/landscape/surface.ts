import type { Flatness, LandscapeSurface } from '../protocol';
import { convexComponent, curvatureAt } from './curvature';
import { isEven, placeOfZero } from './grid';
import { lossAt, type LossGrid } from './lossGrid';
import { rayCount, sharpnessOf, widthsOf } from './rays';
import { roughnessOf } from './roughness';

/** A surface before anything is computed from its losses. */
export interface RawSurface extends Pick<LandscapeSurface, 'name' | 'file' | 'epoch' | 'step' | 'setting' | 'x' | 'y' | 'trajectory' | 'warnings'> {
  /** [y * x] (a line: [x]); null or not finite where a point is not known. */
  readonly loss: readonly (number | null)[];
  /** Whether every point was computed; of those that were, some may not be finite. */
  readonly finished: boolean;
}

/** The surface with its minimum and, when it is finished and has two axes, its convex component and flatness. */
export function describeSurface(raw: RawSurface): LandscapeSurface {
  const { finished, ...surface } = raw;
  const loss = raw.loss.map((value) => (value !== null && Number.isFinite(value) ? value : null));
  const warnings = [...raw.warnings];
  const lost = finished ? loss.filter((value) => value === null).length : 0;
  if (lost > 0) warnings.push(`${lost} of ${loss.length} losses are not finite.`);
  const grid: LossGrid = { x: raw.x, y: raw.y, loss };
  const found = { ...surface, loss, minimum: minimumOf(grid), convex: [] as readonly boolean[], flatness: null as Flatness | null };
  const [column, row] = [placeOfZero(raw.x), placeOfZero(raw.y)];
  if (!finished || raw.y.length === 0) return { ...found, warnings };
  if (column < 0 || row < 0) {
    return { ...found, warnings: [...warnings, 'No point of the grid is the model itself (0, 0); there are no flatness numbers without it.'] };
  }
  if (raw.x.length < 3 || raw.y.length < 3) return { ...found, warnings };
  if (!isEven(raw.x) || !isEven(raw.y)) {
    return { ...found, warnings: [...warnings, 'The points of the grid are not evenly spaced; there are no flatness numbers of such a grid.'] };
  }
  const { points, area } = convexComponent(grid, column, row);
  const flatness = flatnessOf(grid, column, row, area, raw.setting.directions, warnings);
  return { ...found, convex: points, flatness, warnings };
}

function flatnessOf(grid: LossGrid, column: number, row: number, area: number, directions: LandscapeSurface['setting']['directions'], warnings: string[]): Flatness {
  const origin = lossAt(grid, column, row);
  const curvature = curvatureAt(grid, column, row);
  // Radii mean something where a direction is as long as the model; in the plane of a trajectory the unit is another.
  const hasRadii = directions !== 'trajectory' && origin !== null;
  const widths = hasRadii ? widthsOf(grid, origin) : null;
  if (widths !== null && widths.open > 0) {
    warnings.push(`Along ${widths.open} of ${rayCount} rays the loss does not rise by 10 % within the range; they count with the range, so the width is at least what it says.`);
  }
  return {
    convexArea: curvature === null ? null : area,
    eigenvalueRatio: curvature === null || curvature.largest === 0 ? null : Math.abs(curvature.smallest / curvature.largest),
    widthMean: widths?.mean ?? null,
    widthMinimum: widths?.minimum ?? null,
    sharpness: hasRadii ? sharpnessOf(grid, origin) : null,
    roughness: roughnessOf(grid),
  };
}

function minimumOf({ x, y, loss }: LossGrid): LandscapeSurface['minimum'] {
  let best = -1;
  loss.forEach((value, place) => {
    if (value !== null && (best < 0 || value < loss[best]!)) best = place;
  });
  return best < 0 ? null : { x: x[best % x.length]!, y: y[Math.floor(best / x.length)] ?? 0, loss: loss[best]! };
}
