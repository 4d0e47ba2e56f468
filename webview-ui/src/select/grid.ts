import type { MeasurementRecord, Split } from '../../../src/protocol';
import { formatAt, formatOption } from '../format';
import type { Checkpoints } from './checkpoints';
import { isOfTrainingId } from './ofTraining';

/** measured: has a value. impossible: was tried and has a reason. missing: nobody measured it yet. */
export type CellState = 'measured' | 'impossible' | 'missing';

/** Records of one metric and split, layers by checkpoints. */
export interface Grid {
  readonly metric: string;
  readonly split: Split | null;
  /** Shallow to deep: the rows. */
  readonly layers: readonly string[];
  readonly columns: number;
  /** Row-major. */
  readonly cells: readonly (MeasurementRecord | undefined)[];
  /** Row-major; NaN where there is no value. */
  readonly values: Float64Array;
  /** Infinity and -Infinity when nothing is measured. */
  readonly minimum: number;
  readonly maximum: number;
}

/** A later record of the same cell replaces an earlier one: it was measured again. */
export function buildGrid(
  records: readonly MeasurementRecord[],
  metric: string,
  split: Split | null,
  layers: readonly string[],
  checkpoints: Checkpoints,
): Grid {
  const rows = new Map(layers.map((layer, index) => [layer, index]));
  const columns = checkpoints.list.length;
  const cells = new Array<MeasurementRecord | undefined>(layers.length * columns).fill(undefined);
  for (const record of records) {
    if (record.split !== split) continue;
    const row = rows.get(record.layer);
    const column = checkpoints.bySource.get(record.source);
    if (row !== undefined && column !== undefined) cells[row * columns + column] = record;
  }
  const values = new Float64Array(cells.length).fill(NaN);
  let minimum = Infinity;
  let maximum = -Infinity;
  cells.forEach((record, index) => {
    const value = record?.value;
    if (typeof value !== 'number' || !Number.isFinite(value)) return;
    values[index] = value;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
  });
  return { metric, split, layers, columns, cells, values, minimum, maximum };
}

export function cellAt(grid: Grid, row: number, column: number): MeasurementRecord | undefined {
  return grid.cells[row * grid.columns + column];
}

export function cellState(grid: Grid, checkpoints: Checkpoints, row: number, column: number): CellState {
  const record = cellAt(grid, row, column);
  if (record) return record.value === null ? 'impossible' : 'measured';
  return checkpoints.list[column]?.problem == null ? 'missing' : 'impossible';
}

/** Why a cell has no value, in words. */
export function cellReason(grid: Grid, checkpoints: Checkpoints, row: number, column: number): string {
  const record = cellAt(grid, row, column);
  if (record) return record.warnings.join(' ') || 'No reason was recorded.';
  const checkpoint = checkpoints.list[column];
  if (checkpoint?.problem) return checkpoint.problem;
  if (isOfTrainingId(grid.metric)) return 'The training recorded nothing here.';
  switch (checkpoint?.state) {
    case 'waiting':
      return 'The file is still being written.';
    case 'queued':
    case 'measuring':
      return 'In the queue.';
    case 'measured':
      return 'Not measured of this file: layerscope.metrics names other measures, or the file lacks the layer.';
    default:
      return 'Nobody measured it yet.';
  }
}

/** A place where values on the two sides must not be compared. */
export interface Break {
  readonly column: number;
  readonly at: number;
  readonly text: string;
}

/** Where options, n, views, width, seed or method change from one checkpoint of a layer to its next. */
export function findBreaks(grid: Grid, checkpoints: Checkpoints): Break[] {
  const reasons = new Map<number, Set<string>>();
  for (let row = 0; row < grid.layers.length; row++) {
    let before: MeasurementRecord | undefined;
    for (let column = 0; column < grid.columns; column++) {
      const record = cellAt(grid, row, column);
      if (!record || record.value === null) continue;
      if (before && !comparable(before, record)) {
        for (const reason of changes(before, record)) {
          const known = reasons.get(column);
          if (known) known.add(reason);
          else reasons.set(column, new Set([reason]));
        }
      }
      before = record;
    }
  }
  return [...reasons]
    .sort(([a], [b]) => a - b)
    .map(([column, texts]) => {
      const at = checkpoints.list[column]?.at ?? 0;
      return { column, at, text: `Values before and from ${checkpoints.unit} ${formatAt(at)} do not compare: ${[...texts].slice(0, 3).join(', ')}.` };
    });
}

/** Which checkpoint a drift is measured from: another one at every checkpoint, and no obstacle. */
export const reference = 'since';

/** Whether values of two records may be compared. Called for every cell: it makes nothing. */
export function comparable(a: MeasurementRecord, b: MeasurementRecord): boolean {
  if (a.method !== b.method || a.n !== b.n || a.views !== b.views || a.d !== b.d || a.seed !== b.seed) return false;
  if (a.options === b.options) return true;
  for (const name in a.options) if (name !== reference && a.options[name] !== b.options[name]) return false;
  for (const name in b.options) if (name !== reference && a.options[name] === undefined) return false;
  return true;
}

/** What differs between the conditions of two records; empty when they compare. */
export function changes(a: MeasurementRecord, b: MeasurementRecord): string[] {
  const found: string[] = [];
  const numbers = [
    ['method', a.method, b.method],
    ['n', a.n, b.n],
    ['views', a.views, b.views],
    ['width', a.d, b.d],
    ['seed', a.seed, b.seed],
  ] as const;
  for (const [name, before, after] of numbers) if (before !== after) found.push(`${name} ${before ?? 'none'} \u2192 ${after ?? 'none'}`);
  if (a.options !== b.options) {
    for (const name of new Set([...Object.keys(a.options), ...Object.keys(b.options)])) {
      const [before, after] = [a.options[name], b.options[name]];
      if (before !== after && name !== reference) {
        found.push(`${name} ${before === undefined ? 'none' : formatOption(before)} \u2192 ${after === undefined ? 'none' : formatOption(after)}`);
      }
    }
  }
  return found;
}

/** Columns put together where there are more of them than can be drawn; `first` to `last` are columns of the grid. */
export interface ColumnBin {
  readonly first: number;
  readonly last: number;
}

/** At most `maximum` bins of about the same width on the axis; one column each when all of them fit. */
export function binColumns(edges: ArrayLike<number>, from: number, to: number, maximum: number): ColumnBin[] {
  const visible: number[] = [];
  for (let column = 0; column + 1 < edges.length; column++) {
    if ((edges[column + 1] ?? 0) > from && (edges[column] ?? 0) < to) visible.push(column);
  }
  if (visible.length <= maximum) return visible.map((column) => ({ first: column, last: column }));
  const bins: ColumnBin[] = [];
  let slot = -1;
  for (const column of visible) {
    const own = Math.floor((((edges[column] ?? 0) - from) / (to - from)) * maximum);
    const bin = bins.at(-1);
    if (bin && own === slot) bins[bins.length - 1] = { first: bin.first, last: column };
    else bins.push({ first: column, last: column });
    slot = own;
  }
  return bins;
}

/** Mean of the finite values of a row in a bin; NaN when there are none. */
export function binMean(grid: Grid, row: number, bin: ColumnBin): number {
  let sum = 0;
  let count = 0;
  for (let column = bin.first; column <= bin.last; column++) {
    const value = grid.values[row * grid.columns + column] ?? NaN;
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return count === 0 ? NaN : sum / count;
}
