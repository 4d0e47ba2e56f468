import type { LandscapeSurface } from '../protocol';
import type { Terminal } from './command';
import { count, formatTable, onOneLine, round } from './output';

/** Surfaces as tables: what was computed, how flat it is, and the points of a line or a trajectory. */
export function printSurfaces(terminal: Terminal, surfaces: readonly LandscapeSurface[]): void {
  const rows = surfaces.map(({ name, setting, x, y, minimum, flatness, loss }) => [
    name, setting.loss, y.length === 0 ? String(x.length) : `${String(x.length)} x ${String(y.length)}`, round(originLoss(x, y, loss)),
    minimum === null ? '' : `${String(round(minimum.loss))} at ${[minimum.x, ...(y.length === 0 ? [] : [minimum.y])].map((value) => String(round(value))).join(', ')}`,
    ...[flatness?.convexArea, flatness?.eigenvalueRatio, flatness?.widthMean, flatness?.widthMinimum, flatness?.sharpness, flatness?.roughness].map(round),
  ]);
  terminal.write(formatTable(['surface', 'loss', 'points', 'at 0', 'minimum', 'convex area', 'eigenvalue ratio', 'width', 'least width', 'sharpness', 'roughness'], rows));
  for (const { name, x, y, loss, trajectory, warnings } of surfaces) {
    if (trajectory.length > 0) terminal.write(`\n${formatTable(['checkpoint', 'x', 'y', 'loss'], trajectory.map((point) => [fileName(point.file), round(point.x), round(point.y), round(point.loss)]))}`);
    if (y.length === 0) terminal.write(`\n${formatTable(['x', 'loss'], x.map((value, place) => [round(value), round(loss[place])]))}`);
    for (const warning of warnings) terminal.say(`note: ${onOneLine(name)}: ${onOneLine(warning)}`);
  }
  const unknown = surfaces.reduce((sum, { loss }) => sum + loss.filter((value) => value === null).length, 0);
  if (unknown > 0) terminal.say(`${count(unknown, 'point')} without a finite loss`);
}

function originLoss(x: readonly number[], y: readonly number[], loss: readonly (number | null)[]): number | null {
  const [column, row] = [x.indexOf(0), y.length === 0 ? 0 : y.indexOf(0)];
  return column < 0 || row < 0 ? null : (loss[row * x.length + column] ?? null);
}

function fileName(file: string): string {
  return file.split(/[\\/]/).at(-1) ?? file;
}
