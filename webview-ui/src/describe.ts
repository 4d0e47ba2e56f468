import type { MeasurementRecord } from '../../src/protocol';
import { formatAt, formatCount, formatInterval, formatOption, formatSplit, formatValue, plural } from './format';
import { cellAt, cellReason, cellState, reference } from './select/grid';
import type { RunView } from './runView';

/** What is said about one cell, by the readout and to screen readers. */
export interface CellWords {
  readonly place: string;
  /** The value, or what stands instead of it. */
  readonly value: string;
  /** n, views and method; or the reason. */
  readonly conditions: string;
  readonly warnings: readonly string[];
}

export function describeCell(view: RunView, row: number, column: number): CellWords {
  const { grid, checkpoints, metric } = view;
  const layer = grid.layers[row] ?? '';
  const at = checkpoints.list[column]?.at;
  const place = at === undefined ? layer : `${layer} \u00b7 ${checkpoints.unit} ${formatAt(at)}`;
  const record = cellAt(grid, row, column);
  const state = cellState(grid, checkpoints, row, column);
  if (record && record.value !== null) {
    return {
      place,
      value: withUnit(formatValue(record.value), metric.unit),
      conditions: `${record.uncertainty ? `95 %: ${formatInterval(record.uncertainty)} \u00b7 ` : ''}${describeConditions(record)}`,
      warnings: record.warnings,
    };
  }
  return {
    place,
    value: state === 'impossible' ? 'cannot be measured' : 'not measured',
    conditions: cellReason(grid, checkpoints, row, column),
    warnings: [],
  };
}

export function describeConditions(record: MeasurementRecord): string {
  // Each part stays together when the line breaks.
  const size =
    record.split === null
      ? [`${formatCount(record.n)} by ${formatCount(record.d)}`, ...(record.views > 1 ? [`${formatCount(record.views)} kernel positions`] : [])]
      : [`n ${formatCount(record.n)}`, plural(record.views, 'view')];
  const details = Object.entries(record.details ?? {}).map(([name, value]) => `${name} ${formatValue(value)}`);
  const parts = [...size, ...details, `method ${record.method}`];
  return parts.map((part) => part.replace(/ /g, '\u00a0')).join(' \u00b7 ');
}

/** "eps2 0.5, normalize yes" */
export function describeOptions(record: MeasurementRecord | undefined): string {
  if (!record) return '';
  return Object.entries(record.options)
    .filter(([name]) => name !== reference)
    .map(([name, value]) => `${name} ${formatOption(value)}`)
    .join(', ');
}

export function withUnit(text: string, unit: string): string {
  return unit ? `${text} ${unit}` : text;
}

/** The measure with what it was taken on. */
export function describeMeasure(view: RunView): string {
  if (view.show === 'gap') return `${view.metric.title} gap`;
  return view.metric.title;
}

/** What a larger number on the heat map means. */
export function describeDirection(view: RunView): string {
  if (view.show === 'gap') return 'train against held-out';
  if (view.grid.split === null) return '';
  return `on ${view.grid.split === 'train' ? 'training' : formatSplit(view.grid.split)} samples`;
}

/** A whole heat map in a sentence or two, for those who do not see it. */
export function summarizeGrid(view: RunView): string {
  const { grid, checkpoints, layers, metric } = view;
  if (!Number.isFinite(grid.minimum)) return `Nothing is measured yet for ${metric.title}.`;
  const highest = grid.values.findIndex((value) => value === grid.maximum);
  const lowest = grid.values.findIndex((value) => value === grid.minimum);
  const where = (index: number): string =>
    `${layers[Math.floor(index / grid.columns)] ?? ''} at ${checkpoints.unit} ${formatAt(checkpoints.list[index % grid.columns]?.at ?? 0)}`;
  const empty = grid.values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
  return (
    `${describeMeasure(view)} of ${plural(layers.length, 'layer')} at ${plural(grid.columns, 'checkpoint')}: ` +
    `from ${formatValue(grid.minimum)} (${where(lowest)}) to ${withUnit(formatValue(grid.maximum), metric.unit)} (${where(highest)}).` +
    (empty > 0 ? ` ${plural(empty, 'cell')} without a value.` : '')
  );
}
