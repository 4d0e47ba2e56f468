import type { LandscapeSurface } from '../protocol';
import { type Cell, toCsv } from './exportRecords';

const columns = ['surface', 'file', 'epoch', 'step', 'kind', 'x', 'y', 'loss', 'convex', 'loss_name', 'images', 'data', 'seed', 'directions'] as const;

/**
 * Surfaces as CSV, one row a point: `kind` is `point` for a point of the grid (in the order of `loss`, x fastest) and `checkpoint` for a checkpoint of
 * a trajectory, whose file, epoch and step stand in its row. A point without a value has an empty cell, and so has `convex` where it is not known.
 */
export function surfacesToCsv(surfaces: readonly LandscapeSurface[]): string {
  const rows: Cell[][] = [[...columns]];
  for (const { name, file, epoch, step, setting, x, y, loss, convex, trajectory } of surfaces) {
    const conditions: Cell[] = [setting.loss, setting.images, setting.data, setting.seed, setting.directions];
    for (const [index, value] of loss.entries()) {
      const isLine = y.length === 0;
      const place: Cell[] = [x[index % x.length], isLine ? null : y[Math.floor(index / x.length)]];
      rows.push([name, file, epoch, step, 'point', ...place, value, convex[index], ...conditions]);
    }
    for (const point of trajectory) {
      rows.push([name, point.file, point.epoch, point.step, 'checkpoint', point.x, point.y, point.loss, null, ...conditions]);
    }
  }
  return toCsv(rows);
}

/** Surfaces as the JSON that `layerscope landscape --json` prints and "Open Loss Surface" reads. */
export function surfacesToJson(surfaces: readonly LandscapeSurface[]): string {
  return `${JSON.stringify({ surfaces })}\n`;
}
