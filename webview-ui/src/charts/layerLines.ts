import type { ChartDataset } from 'chart.js';
import { formatTick } from '../format';
import type { Checkpoints } from '../select/checkpoints';
import type { Line } from '../select/lines';
import { decimate } from './decimate';
import type { MarkerName } from './markerNames';
import type { Dot, OnsetMark } from './marks';
import { nearestColumn, niceSteps } from './sharedAxis';
import { createTimeChart, type TimeChart, type TimeModel } from './timeChart';

export interface LayerLinesModel extends TimeModel {
  readonly checkpoints: Checkpoints;
  readonly lines: readonly Line[];
  readonly colors: ReadonlyMap<string, string>;
  readonly markers: ReadonlyMap<string, MarkerName>;
  readonly onset: OnsetMark | null;
  readonly breaks: readonly number[];
  /** A gap has a meaning at zero. */
  readonly zeroLine: boolean;
}

export const heldOutDash = [5, 3];
/** Markers nearer than this would run together. */
const markerDistance = 7;

export function createLayerLines(canvas: HTMLCanvasElement): TimeChart<LayerLinesModel> {
  return createTimeChart<LayerLinesModel>(canvas, {
    type: 'line',
    top: 6,
    draw: (model, width) => ({
      datasets: model.lines.map((line) => makeDataset(model, line, width)),
      y: lineScale(model.theme, model.zeroLine, lineRange(model)),
      marks: {
        onset: model.onset,
        onsetStyle: 'shade',
        breaks: model.breaks,
        bands: model.lines.filter(hasBand).map((line) => makeBand(model, line)),
        dots: (at) => dotsAt(model, at),
      },
    }),
    locate: ({ axis, checkpoints }, x) => {
      const checkpoint = checkpoints.list[nearestColumn(axis.edges, x)];
      return checkpoint ? { at: checkpoint.at, layer: null } : null;
    },
  });
}

export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** A vertical scale that wastes no room: it ends a little beyond the data, with round numbers inside. */
export function lineScale(theme: TimeModel['theme'], zeroLine: boolean, range: ValueRange): object {
  const known = range.min <= range.max;
  const span = known ? range.max - range.min || Math.abs(range.max) || 1 : 1;
  const min = (known ? range.min : 0) - span * 0.06;
  const max = (known ? range.max : 1) + span * 0.06;
  const ticks = niceSteps(min, max, 5.5);
  return {
    min,
    max,
    afterBuildTicks: (scale: { ticks: { value: number }[] }) => {
      scale.ticks = ticks.map((value) => ({ value }));
    },
    grid: {
      drawTicks: false,
      color: ({ tick }: { tick: { value: number } }) => (zeroLine && tick.value === 0 ? theme.foreground : fainter(theme)),
      lineWidth: 1,
    },
    ticks: { color: theme.muted, padding: 6, autoSkip: false, callback: (value: number | string) => formatTick(Number(value)) },
  };
}

/** What the visible lines and their bands reach; with the zero that a gap is measured from. */
function lineRange({ lines, axis, zeroLine }: LayerLinesModel): ValueRange {
  let [min, max] = zeroLine ? [0, 0] : [Infinity, -Infinity];
  for (const { segments, split } of lines) {
    for (const { at, value, record } of segments.flat()) {
      const x = axis.toAxis(at);
      if (x < axis.min || x > axis.max) continue;
      const bounds = hasBand({ split }) ? record.uncertainty : undefined;
      min = Math.min(min, value, bounds?.low ?? value);
      max = Math.max(max, value, bounds?.high ?? value);
    }
  }
  return { min, max };
}

function fainter(theme: TimeModel['theme']): string {
  const alpha = theme.highContrast ? 40 : 18;
  return `color-mix(in srgb, ${theme.foreground} ${alpha}%, transparent)`;
}

function makeDataset({ axis, theme, colors, markers }: LayerLinesModel, line: Line, width: number): ChartDataset {
  const color = colors.get(line.layer) ?? theme.foreground;
  const heldOut = line.split === 'held_out';
  const data: { x: number; y: number }[] = [];
  const window = { min: axis.min, max: axis.max, buckets: Math.max(1, Math.floor(width)) };
  for (const segment of line.segments) {
    if (data.length > 0) data.push({ x: data.at(-1)?.x ?? 0, y: NaN });
    const points = decimate(
      segment.length,
      (i) => axis.toAxis(segment[i]?.at ?? NaN),
      (i) => segment[i]?.value ?? NaN,
      window,
    );
    data.push(...points);
  }
  const crowded = data.length * markerDistance > width * 2.5;
  return {
    type: 'line',
    label: `${line.layer} ${line.split ?? ''}`,
    data,
    borderColor: color,
    borderWidth: 1.5,
    borderDash: heldOut ? heldOutDash : [],
    pointStyle: markers.get(line.layer) ?? 'circle',
    pointRadius: crowded ? 0 : 3,
    pointBorderColor: color,
    pointBorderWidth: 1.5,
    pointBackgroundColor: heldOut ? theme.background : color,
    clip: 5,
    spanGaps: false,
  };
}

/** Two bands over each other tell nothing: train and held-out are drawn without. */
function hasBand({ split }: Pick<Line, 'split'>): boolean {
  return split === 'gap';
}

function makeBand({ axis, theme, colors }: LayerLinesModel, line: Line): { color: string; segments: { x: number; low: number; high: number }[][] } {
  return {
    color: colors.get(line.layer) ?? theme.foreground,
    segments: line.segments.map((segment) =>
      segment.flatMap(({ at, record }) =>
        record.uncertainty ? [{ x: axis.toAxis(at), low: record.uncertainty.low, high: record.uncertainty.high }] : [],
      ),
    ),
  };
}

function dotsAt({ checkpoints, axis, lines, colors, theme }: LayerLinesModel, at: number): Dot[] {
  const column = nearestColumn(axis.edges, axis.toAxis(at));
  if (!checkpoints.list[column]) return [];
  return lines.flatMap((line) => {
    const point = line.segments.flat().find((one) => one.column === column);
    return point ? [{ at: point.at, y: point.value, color: colors.get(line.layer) ?? theme.foreground }] : [];
  });
}
