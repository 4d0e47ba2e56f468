import { describeSurface, centredAxis, type LossGrid } from '../../../src/landscape';
import type { LandscapeSetting, LandscapeSurface } from '../../../src/protocol';

export const setting: LandscapeSetting = { loss: 'mae', images: 64, data: 'images', seed: 0, range: 1, directions: 'random' };

/** A surface by a formula. */
export function gridOf(points: number, lossAt: (x: number, y: number) => number | null, range = 1): LossGrid {
  const axis = centredAxis(points, range);
  return { x: axis, y: axis, loss: axis.flatMap((y) => axis.map((x) => lossAt(x, y))) };
}

export function surfaceOf(grid: LossGrid, more: Partial<LandscapeSetting> = {}, finished = true): LandscapeSurface {
  return describeSurface({ name: 'a', file: 'a.pt', epoch: 1, step: 2, setting: { ...setting, ...more }, trajectory: [], warnings: [], finished, ...grid });
}
