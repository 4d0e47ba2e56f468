import { nearestColumn, zoomBy, type SharedAxis } from '../charts/sharedAxis';
import type { TimeModel } from '../charts/timeChart';
import type { RunView } from '../runView';
import type { ChartKeys } from './ChartFrame';

export function columnOf(axis: SharedAxis, at: number): number {
  return nearestColumn(axis.edges, axis.toAxis(at));
}

/** Walking over checkpoints, and over layers where the chart has them. */
export function checkpointKeys(view: RunView, time: TimeModel, here: { readonly row: number; readonly column: number }, withLayers = true): Omit<ChartKeys, 'text'> {
  const { checkpoints, layers } = view;
  const last = checkpoints.list.length - 1;
  const bounded = (value: number, most: number): number => Math.min(most, Math.max(0, value));
  return {
    count: checkpoints.list.length,
    index: here.column,
    move: (step) => {
      const columns = { previous: here.column - 1, next: here.column + 1, first: 0, last, up: here.column, down: here.column };
      const pointed = time.cursor.position !== null;
      // The first key shows where the cursor is; the next ones move it.
      const column = pointed || step === 'first' || step === 'last' ? bounded(columns[step], last) : here.column;
      const row = bounded(here.row + (pointed && step === 'up' ? -1 : pointed && step === 'down' ? 1 : 0), layers.length - 1);
      const at = checkpoints.list[column]?.at;
      if (at !== undefined) time.cursor.point({ at, layer: withLayers ? (layers[row] ?? null) : null });
    },
    zoom: (direction) => zoomFromKeyboard(time, direction),
    leave: () => time.cursor.point(null),
  };
}

export function zoomFromKeyboard({ axis, cursor, onZoom }: TimeModel, direction: 'in' | 'out' | 'whole'): void {
  const center = cursor.position?.at ?? axis.fromAxis(axis.max);
  onZoom(direction === 'whole' ? null : zoomBy(axis, direction === 'in' ? 0.5 : 2, center));
}
