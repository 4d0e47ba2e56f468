import { interpolate, type LossGrid } from './lossGrid';

export const rayCount = 64;
/** How far the loss has to rise above that of the model for a ray to end. */
export const rise = 0.1;
/** Radius of the disc that sharpness looks at. */
export const sharpnessRadius = 0.1;

export interface Widths {
  readonly mean: number;
  readonly minimum: number;
  /** Rays along which the loss did not rise by so much within the grid; they count with the grid's reach. */
  readonly open: number;
}

/**
 * Radius at which the loss is 10 % above that of the origin, along 64 rays; beside a point that is not finite the loss counts as higher.
 * Null when the loss at the origin is 0.
 */
export function widthsOf(grid: LossGrid, origin: number): Widths | null {
  if (origin === 0) return null;
  const limit = origin + rise * Math.abs(origin);
  const reach = Math.min(-grid.x[0]!, grid.x.at(-1)!, -grid.y[0]!, grid.y.at(-1)!);
  const step = Math.min(stepOf(grid.x), stepOf(grid.y)) / 8;
  const steps = Math.ceil(reach / step - 1e-9);
  let open = 0;
  const radii = Array.from({ length: rayCount }, (_, ray) => {
    const angle = (2 * Math.PI * ray) / rayCount;
    const along = (radius: number) => interpolate(grid, radius * Math.cos(angle), radius * Math.sin(angle)) ?? Infinity;
    for (let number = 1; number <= steps; number++) {
      const radius = Math.min(reach, number * step);
      if (along(radius) > limit) return crossing(along, limit, (number - 1) * step, radius);
    }
    open++;
    return reach;
  });
  return { mean: radii.reduce((sum, radius) => sum + radius, 0) / rayCount, minimum: Math.min(...radii), open };
}

/** Bisection between a radius below the limit and one above it. */
function crossing(along: (radius: number) => number, limit: number, low: number, high: number): number {
  for (let round = 0; round < 40; round++) {
    const middle = (low + high) / 2;
    if (along(middle) > limit) high = middle;
    else low = middle;
  }
  return high;
}

/** Largest (L - L(0)) / (1 + L(0)) on the disc of radius 0.1; null when the grid is coarser or smaller than that, or a point there is not known. */
export function sharpnessOf(grid: LossGrid, origin: number): number | null {
  if (Math.max(stepOf(grid.x), stepOf(grid.y)) > sharpnessRadius * (1 + 1e-9)) return null;
  let largest = origin;
  for (let ray = 0; ray < rayCount; ray++) {
    const angle = (2 * Math.PI * ray) / rayCount;
    for (let part = 1; part <= 4; part++) {
      const radius = (sharpnessRadius * part) / 4;
      const value = interpolate(grid, radius * Math.cos(angle), radius * Math.sin(angle));
      if (value === null) return null;
      largest = Math.max(largest, value);
    }
  }
  return 1 + origin === 0 ? null : (largest - origin) / (1 + origin);
}

function stepOf(axis: readonly number[]): number {
  return (axis.at(-1)! - axis[0]!) / (axis.length - 1);
}
