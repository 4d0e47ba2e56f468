import type { MeasurementRecord } from '../../src/protocol';
import { describeDirection, describeMeasure, describeOptions, withUnit } from './describe';
import { formatAt, formatCount, formatSplit, formatTick, formatValue } from './format';
import type { RunView } from './runView';
import { cellAt, cellReason, cellState, type Grid } from './select/grid';
import type { PlacedScalar } from './select/scalars';
import type { TableCell, TableModel } from './tableModel';

/** Checkpoints down, layers across, then the conditions they were measured under. */
export function gridTable(view: RunView): TableModel {
  const { grid, layers, checkpoints } = view;
  return {
    caption: [withUnit(describeMeasure(view), view.metric.unit && `in ${view.metric.unit}`), describeDirection(view)].filter(Boolean).join(', '),
    note: describeOptions(grid.cells.find((record) => record !== undefined)),
    corner: checkpoints.unit,
    groups: [],
    columns: [...layers, ...conditionColumns],
    rows: checkpoints.list.length,
    row: (column) => ({
      header: formatAt(checkpoints.list[column]?.at ?? 0),
      cells: [...layers.map((_, row) => valueCell(view, grid, row, column)), ...conditionCells(view, [grid], layers.map((_, row) => row), column)],
    }),
  };
}

/** The chosen layers with both splits, or the gap with its interval. */
export function linesTable(view: RunView): TableModel {
  const { chosen, lineGrids, layers, checkpoints, show } = view;
  const rows = chosen.map((layer) => layers.indexOf(layer));
  const perLayer = show === 'gap' ? ['gap', '95 % low', '95 % high'] : lineGrids.map((grid) => formatSplit(grid.split));
  return {
    caption: `${describeMeasure(view)}, chosen layers`,
    note: describeOptions(lineGrids[0]?.cells.find((record) => record !== undefined)),
    corner: checkpoints.unit,
    groups: chosen.map((label) => ({ label, columns: perLayer.length })),
    columns: [...chosen.flatMap(() => perLayer), ...conditionColumns],
    rows: checkpoints.list.length,
    row: (column) => ({
      header: formatAt(checkpoints.list[column]?.at ?? 0),
      cells: [
        ...rows.flatMap((row) =>
          lineGrids.flatMap((grid) => {
            const cell = valueCell(view, grid, row, column);
            if (show !== 'gap') return [cell];
            const bounds = cellAt(grid, row, column)?.uncertainty;
            return [cell, numberCell(bounds?.low), numberCell(bounds?.high)];
          }),
        ),
        ...conditionCells(view, lineGrids, rows, column),
      ],
    }),
  };
}

/** Every logged point, in the order of the log. */
export function scalarTable(unit: string, members: readonly { readonly label: string; readonly placed: PlacedScalar }[]): TableModel {
  const longest = members.reduce((most, member) => Math.max(most, member.placed.at.length), 0);
  const places = members.find((member) => member.placed.at.length === longest)?.placed.at;
  return {
    caption: `Log: ${members.map((member) => member.label).join(', ')}`,
    note: '',
    corner: unit,
    groups: [],
    columns: members.map((member) => member.label),
    rows: longest,
    row: (index) => {
      const at = places?.[index] ?? NaN;
      return {
        header: Number.isNaN(at) ? `point ${index + 1}` : formatAt(at),
        cells: members.map(({ placed }) => {
          const value = placed.values[index];
          return value !== undefined && Number.isNaN(value) ? { text: 'not finite', words: true } : numberCell(value);
        }),
      };
    },
  };
}

const conditionColumns = ['n', 'views', 'method', 'warnings'] as const;

function valueCell({ checkpoints }: RunView, grid: Grid, row: number, column: number): TableCell {
  const record = cellAt(grid, row, column);
  if (record && record.value !== null) return numberCell(record.value);
  return { text: cellState(grid, checkpoints, row, column) === 'impossible' ? 'cannot be measured' : 'not measured', words: true };
}

function numberCell(value: number | undefined): TableCell {
  return value === undefined ? { text: '' } : { text: formatValue(value), value };
}

/** n, views and method of the records of one checkpoint (a range where they differ), and every reason and warning with its layer. */
function conditionCells({ checkpoints, layers }: RunView, grids: readonly Grid[], rows: readonly number[], column: number): TableCell[] {
  const records = grids.flatMap((grid) => rows.flatMap((row) => cellAt(grid, row, column) ?? []));
  const range = (read: (record: MeasurementRecord) => number): TableCell => {
    const numbers = records.map(read);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    if (numbers.length === 0) return { text: '' };
    return low === high ? { text: formatCount(low), value: low } : { text: `${formatTick(low)} to ${formatTick(high)}` };
  };
  const layersOfWarning = new Map<string, Set<string>>();
  for (const grid of grids) {
    for (const row of rows) {
      const reasons = cellState(grid, checkpoints, row, column) === 'impossible' ? [cellReason(grid, checkpoints, row, column)] : (cellAt(grid, row, column)?.warnings ?? []);
      for (const reason of reasons) {
        const known = layersOfWarning.get(reason) ?? new Set();
        layersOfWarning.set(reason, known.add(layers[row] ?? ''));
      }
    }
  }
  const warnings = [...layersOfWarning].map(([reason, named]) => (named.size === rows.length ? reason : `${[...named].join(', ')}: ${reason}`));
  return [range((record) => record.n), range((record) => record.views), range((record) => record.method), { text: warnings.join(' '), words: true }];
}
