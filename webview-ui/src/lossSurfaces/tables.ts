import type { Flatness, LandscapeSurface } from '../../../src/protocol';
import { formatValue, plural } from '../format';
import type { TableCell, TableModel } from '../tableModel';
import { isLine } from './grid';
import { describeSetting, lossOfModel, pointName, titleOf } from './summary';

/** The grid of a surface: y down, highest first as in the picture, x across. */
export function surfaceTable(surface: LandscapeSurface): TableModel {
  const { x, y, loss, convex, setting } = surface;
  const outside = setting.directions === 'imported' || convex.length > 0 ? 'not finite' : 'not computed';
  return {
    caption: `${titleOf(surface)}: loss at each point, x across, y down`,
    note: describeSetting(setting),
    corner: 'y \\ x',
    groups: [],
    columns: x.map(formatValue),
    rows: y.length,
    row: (index) => {
      const row = y.length - 1 - index;
      return { header: formatValue(y[row] ?? 0), cells: x.map((_, column) => lossCell(loss[row * x.length + column] ?? null, outside)) };
    },
  };
}

/** Lines side by side; where their places differ, a line has no value. */
export function linesTable(lines: readonly LandscapeSurface[]): TableModel {
  const places = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  return {
    caption: 'Losses at the places of the line',
    note: lines.map((line) => `${titleOf(line)}: ${describeSetting(line.setting)}`).join('; '),
    corner: 'place',
    groups: [],
    columns: lines.map(titleOf),
    rows: places.length,
    row: (index) => {
      const at = places[index] ?? 0;
      const cells = lines.map(({ x, loss }): TableCell => (x.includes(at) ? lossCell(loss[x.indexOf(at)] ?? null, 'not computed') : { text: '' }));
      return { header: formatValue(at), cells };
    },
  };
}

/** The checkpoints of a trajectory, in the order of the training. */
export function trajectoryTable(surface: LandscapeSurface): TableModel {
  const { trajectory } = surface;
  return {
    caption: `${titleOf(surface)}: ${plural(trajectory.length, 'checkpoint')} of the training`,
    note: '',
    corner: 'checkpoint',
    groups: [],
    columns: ['x', 'y', 'loss', 'file'],
    rows: trajectory.length,
    row: (index) => {
      const point = trajectory[index];
      if (!point) return { header: '', cells: [] };
      return { header: pointName(point), cells: [numberCell(point.x), numberCell(point.y), lossCell(point.loss, 'not computed'), { text: point.file, words: true }] };
    },
  };
}

/** What is known of each surface and how flat it is: numbers down, surfaces across. Numbers that no surface has are left out. */
export function factsTable(surfaces: readonly LandscapeSurface[]): TableModel {
  const rows = facts.filter(({ read }) => surfaces.some((surface) => read(surface) !== null));
  return {
    caption: 'Numbers of each surface',
    note: '',
    corner: 'number',
    groups: [],
    columns: surfaces.map(titleOf),
    rows: rows.length,
    row: (index) => {
      const fact = rows[index];
      return { header: fact?.label ?? '', cells: fact ? surfaces.map((surface) => factCell(fact.read(surface))) : [] };
    },
  };
}

const flat =
  (name: keyof Flatness) =>
  ({ flatness }: LandscapeSurface): number | null =>
    flatness?.[name] ?? null;

const facts: readonly { readonly label: string; readonly read: (surface: LandscapeSurface) => number | string | null }[] = [
  { label: 'loss at origin', read: lossOfModel },
  { label: 'lowest loss', read: ({ minimum }) => minimum?.loss ?? null },
  { label: 'lowest point', read: lowestPlace },
  { label: 'points computed', read: ({ loss }) => loss.filter((one) => one !== null).length },
  { label: 'convex share', read: flat('convexArea') },
  { label: 'eigenvalue ratio', read: flat('eigenvalueRatio') },
  { label: 'mean width (10 %)', read: flat('widthMean') },
  { label: 'least width (10 %)', read: flat('widthMinimum') },
  { label: 'sharpness', read: flat('sharpness') },
  { label: 'roughness', read: flat('roughness') },
];

function lowestPlace(surface: LandscapeSurface): string | null {
  const { minimum } = surface;
  if (minimum === null) return null;
  return isLine(surface) ? formatValue(minimum.x) : `(${formatValue(minimum.x)}, ${formatValue(minimum.y)})`;
}

function factCell(value: number | string | null): TableCell {
  return typeof value === 'string' ? { text: value } : numberCell(value);
}

function numberCell(value: number | null): TableCell {
  return value === null ? { text: 'not computed', words: true } : { text: formatValue(value), value };
}

function lossCell(value: number | null, otherwise: string): TableCell {
  return value === null ? { text: otherwise, words: true } : { text: formatValue(value), value };
}
