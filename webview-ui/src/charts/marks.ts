import type { Chart, Plugin } from 'chart.js';
import type { Theme } from '../theme';
import type { CursorStore } from './cursor';
import type { SharedAxis } from './sharedAxis';

/** Where a finding began, on the timeline. */
export interface OnsetMark {
  readonly low: number;
  readonly at: number;
  readonly high: number;
}

export interface BandPoint {
  readonly x: number;
  readonly low: number;
  readonly high: number;
}

export interface Dot {
  readonly at: number;
  readonly y: number;
  readonly color: string;
}

/** What lies under and over the data of one chart. */
export interface Marks {
  readonly theme: Theme;
  readonly axis: SharedAxis;
  readonly cursor: CursorStore;
  readonly onset: OnsetMark | null;
  /** shade: behind lines. bracket: above a heat map, whose colours must stay as they are. */
  readonly onsetStyle: 'shade' | 'bracket';
  readonly breaks: readonly number[];
  readonly bands?: readonly { readonly color: string; readonly segments: readonly (readonly BandPoint[])[] }[];
  /** Drawn larger while the cursor is there. */
  readonly dots?: (at: number) => readonly Dot[];
  /** Called before the data are drawn. */
  readonly prepare?: (chart: Chart) => void;
  /** Called after the data are drawn. */
  readonly finish?: (chart: Chart) => void;
  /** Draws more of the cursor, on the layer above the chart. */
  readonly point?: (chart: Chart, pen: CanvasRenderingContext2D) => void;
}

const marksOf = new WeakMap<Chart, Marks>();

export function setMarks(chart: Chart, marks: Marks): void {
  marksOf.set(chart, marks);
}

/** One plug-in for all charts, so that the cursor, onset and breaks look and lie the same everywhere. */
export const marksPlugin: Plugin = {
  id: 'layerscopeMarks',
  beforeDatasetsDraw: (chart) => {
    const marks = marksOf.get(chart);
    if (!marks) return;
    marks.prepare?.(chart);
    inside(chart, (pen) => {
      if (marks.onset && marks.onsetStyle === 'shade') shadeOnset(chart, pen, marks, marks.onset);
      drawBands(chart, pen, marks);
      if (marks.onsetStyle === 'shade') drawBreaks(chart, pen, marks);
    });
  },
  afterDatasetsDraw: (chart) => {
    const marks = marksOf.get(chart);
    if (!marks) return;
    const pen = chart.ctx;
    if (marks.onset && marks.onsetStyle === 'bracket') bracketOnset(chart, pen, marks, marks.onset);
    inside(chart, () => {
      if (marks.onsetStyle === 'bracket') drawBreaks(chart, pen, marks);
    });
    if (marks.theme.contrastBorder) {
      const { left, top, width, height } = chart.chartArea;
      pen.save();
      pen.strokeStyle = marks.theme.contrastBorder;
      pen.lineWidth = 1;
      pen.strokeRect(snap(left), snap(top), Math.round(width), Math.round(height));
      pen.restore();
    }
    marks.finish?.(chart);
  },
};

/** What moves with the pointer, on a layer of its own: the chart below is not drawn again. */
export function drawOverlay(chart: Chart, pen: CanvasRenderingContext2D): void {
  const marks = marksOf.get(chart);
  if (!marks || !chart.chartArea) return;
  inside(
    chart,
    () => {
      drawCursor(chart, pen, marks);
      drawDrag(chart, pen, marks);
    },
    pen,
  );
  drawDots(chart, pen, marks);
  marks.point?.(chart, pen);
}

function inside(chart: Chart, draw: (pen: CanvasRenderingContext2D) => void, pen: CanvasRenderingContext2D = chart.ctx): void {
  const { left, top, width, height } = chart.chartArea;
  pen.save();
  pen.beginPath();
  pen.rect(left - 1, top - 1, width + 2, height + 2);
  pen.clip();
  draw(pen);
  pen.restore();
}

function pixel(chart: Chart, marks: Marks, at: number): number {
  return chart.scales['x']?.getPixelForValue(marks.axis.toAxis(at)) ?? 0;
}

function snap(position: number): number {
  return Math.round(position) + 0.5;
}

function vertical(chart: Chart, pen: CanvasRenderingContext2D, x: number, color: string, dash: number[], width = 1): void {
  pen.save();
  pen.strokeStyle = color;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  pen.moveTo(x, chart.chartArea.top);
  pen.lineTo(x, chart.chartArea.bottom);
  pen.stroke();
  pen.restore();
}

/** Over the cells of a heat map, under the points of lines. */
function drawBreaks(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks): void {
  for (const at of marks.breaks) {
    const x = snap(pixel(chart, marks, at));
    // Two tones: it has to be seen on every colour of the heat map.
    vertical(chart, pen, x, marks.theme.background, [], 3);
    vertical(chart, pen, x, marks.theme.foreground, [3, 3], 1.5);
  }
}

function shadeOnset(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks, onset: OnsetMark): void {
  const { top, height } = chart.chartArea;
  const low = pixel(chart, marks, onset.low);
  const high = Math.max(pixel(chart, marks, onset.high), low + 1);
  pen.save();
  pen.fillStyle = marks.theme.warning;
  if (!marks.theme.highContrast) {
    pen.globalAlpha = 0.13;
    pen.fillRect(low, top, high - low, height);
  }
  pen.restore();
  if (marks.theme.highContrast) for (const x of [low, high]) vertical(chart, pen, snap(x), marks.theme.warning, [4, 3]);
  vertical(chart, pen, snap(pixel(chart, marks, onset.at)), marks.theme.warning, [], 1);
}

function bracketOnset(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks, onset: OnsetMark): void {
  const { left, right, top } = chart.chartArea;
  const clamp = (x: number): number => Math.min(right, Math.max(left, x));
  const low = clamp(pixel(chart, marks, onset.low));
  const high = Math.max(clamp(pixel(chart, marks, onset.high)), low + 2);
  const at = pixel(chart, marks, onset.at);
  pen.save();
  pen.strokeStyle = pen.fillStyle = marks.theme.warning;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(snap(low), top - 2);
  pen.lineTo(snap(low), top - 6);
  pen.lineTo(snap(high), top - 6);
  pen.lineTo(snap(high), top - 2);
  pen.stroke();
  if (at >= left && at <= right) {
    pen.beginPath();
    pen.moveTo(at - 4, top - 8);
    pen.lineTo(at + 4, top - 8);
    pen.lineTo(at, top - 1);
    pen.fill();
  }
  pen.restore();
}

function drawBands(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks): void {
  const { x, y } = chart.scales;
  if (!x || !y) return;
  for (const { color, segments } of marks.bands ?? []) {
    pen.save();
    pen.fillStyle = color;
    pen.globalAlpha = marks.theme.highContrast ? 0.3 : 0.2;
    for (const segment of segments) {
      pen.beginPath();
      for (const point of segment) pen.lineTo(x.getPixelForValue(point.x), y.getPixelForValue(point.high));
      for (const point of [...segment].reverse()) pen.lineTo(x.getPixelForValue(point.x), y.getPixelForValue(point.low));
      pen.fill();
    }
    pen.restore();
  }
}

function drawCursor(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks): void {
  const position = marks.cursor.position;
  if (!position) return;
  vertical(chart, pen, snap(pixel(chart, marks, position.at)), marks.theme.foreground, [1, 2]);
}

function drawDots(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks): void {
  const position = marks.cursor.position;
  const y = chart.scales['y'];
  if (!position || !y || !marks.dots) return;
  const { left, right } = chart.chartArea;
  for (const dot of marks.dots(position.at)) {
    const x = pixel(chart, marks, dot.at);
    if (x < left - 1 || x > right + 1) continue;
    pen.save();
    pen.fillStyle = dot.color;
    pen.strokeStyle = marks.theme.background;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(x, y.getPixelForValue(dot.y), 4.5, 0, 2 * Math.PI);
    pen.stroke();
    pen.fill();
    pen.restore();
  }
}

function drawDrag(chart: Chart, pen: CanvasRenderingContext2D, marks: Marks): void {
  const drag = marks.cursor.drag;
  const scale = chart.scales['x'];
  if (!drag || !scale) return;
  const [a, b] = [scale.getPixelForValue(drag.from), scale.getPixelForValue(drag.to)].sort((one, other) => one - other);
  const { top, height } = chart.chartArea;
  pen.save();
  pen.strokeStyle = pen.fillStyle = marks.theme.focus;
  pen.strokeRect(snap(a ?? 0), top, Math.round((b ?? 0) - (a ?? 0)), height);
  pen.globalAlpha = 0.2;
  pen.fillRect(a ?? 0, top, (b ?? 0) - (a ?? 0), height);
  pen.restore();
}
