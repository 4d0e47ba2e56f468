import type { Chart } from 'chart.js';
import { cssColor, type ColorScale } from '../colorScale';
import { distinctPart, shortenMiddle } from '../format';
import type { Checkpoints } from '../select/checkpoints';
import { binColumns, binMean, cellState, type CellState, type ColumnBin, type Grid } from '../select/grid';
import type { OnsetMark } from './marks';
import { makePattern } from './patterns';
import { columnAt } from './sharedAxis';
import { axisFontSize, createTimeChart, type TimeChart, type TimeModel } from './timeChart';

export interface HeatMapModel extends TimeModel {
  readonly grid: Grid;
  readonly checkpoints: Checkpoints;
  readonly scale: ColorScale;
  readonly onset: OnsetMark | null;
  readonly breaks: readonly number[];
  /** Colour of each layer that is drawn as lines. */
  readonly layerColors: ReadonlyMap<string, string>;
  readonly onToggleLayer: (layer: string) => void;
  /** Says how many checkpoints stand behind one cell at most; 1 when each has its own. */
  readonly onBinned: (largest: number) => void;
}

/** One painted cell. x, y place its upper left corner for Chart.js; the rest is what it stands for. */
export interface HeatMapCell {
  readonly x: number;
  readonly y: number;
  readonly right: number;
  readonly row: number;
  readonly bin: ColumnBin;
  readonly value: number;
  readonly state: CellState;
}

/** Beyond this, drawing and hit-testing single cells is no longer immediate. */
const maximumCells = 6000;
const smallestCellWidth = 3;
const smallestRow = 5;
const mostPixels = 420;

/** Height of the whole canvas for so many layers. */
export function heatMapHeight(layers: number, roomy: boolean): number {
  return Math.round(rowHeight(layers, roomy) * layers) + topRoom + 22;
}

function rowHeight(layers: number, roomy: boolean): number {
  return Math.min(roomy ? 26 : 20, Math.max(smallestRow, mostPixels / Math.max(1, layers)));
}

const topRoom = 10;

export function createHeatMap(canvas: HTMLCanvasElement): TimeChart<HeatMapModel> {
  return createTimeChart<HeatMapModel>(canvas, {
    type: 'matrix',
    top: topRoom,
    draw: (model, width) => {
      const cells = makeCells(model, width);
      const paint = makePaint(model, canvas);
      return {
        datasets: [{ type: 'matrix', data: cells as never, backgroundColor: cells.map(paint) as never, borderWidth: 0, width: 1, height: 1 }],
        y: layerScale(model),
        marks: {
          onset: model.onset,
          onsetStyle: 'bracket',
          breaks: model.breaks,
          prepare: (chart) => layOut(chart, cells),
          finish: (chart) => drawSwatches(chart, model),
          point: (chart, pen) => drawFocus(chart, pen, model, cells),
        },
      };
    },
    locate: ({ axis, checkpoints, grid }, x, y) => {
      const checkpoint = checkpoints.list[columnAt(axis.edges, x)];
      const row = Math.min(grid.layers.length - 1, Math.max(0, Math.round(y)));
      return checkpoint ? { at: checkpoint.at, layer: grid.layers[row] ?? null } : null;
    },
    click: (model, { layer }) => {
      if (layer !== null) model.onToggleLayer(layer);
    },
  });
}

function makeCells({ axis, grid, checkpoints, onBinned }: HeatMapModel, width: number): HeatMapCell[] {
  const rows = Math.max(1, grid.layers.length);
  const room = Math.max(1, Math.min(Math.floor(width / smallestCellWidth), Math.floor(maximumCells / rows)));
  const every = binColumns(axis.edges, axis.min, axis.max, Math.floor(maximumCells / rows));
  // Cells narrower than a few pixels still show their colour; only too many of them are put together.
  const bins = every.length <= room * 4 && every.every((bin) => bin.first === bin.last) ? every : binColumns(axis.edges, axis.min, axis.max, room);
  onBinned(bins.reduce((largest, bin) => Math.max(largest, bin.last - bin.first + 1), 1));
  const cells: HeatMapCell[] = [];
  for (let row = 0; row < grid.layers.length; row++) {
    for (const bin of bins) {
      const value = binMean(grid, row, bin);
      cells.push({
        x: Math.max(axis.min, axis.edges[bin.first] ?? 0),
        y: row,
        right: Math.min(axis.max, axis.edges[bin.last + 1] ?? 0),
        row,
        bin,
        value,
        state: Number.isNaN(value) ? emptyState(grid, checkpoints, row, bin) : 'measured',
      });
    }
  }
  return cells;
}

function emptyState(grid: Grid, checkpoints: Checkpoints, row: number, bin: ColumnBin): CellState {
  for (let column = bin.first; column <= bin.last; column++) if (cellState(grid, checkpoints, row, column) === 'impossible') return 'impossible';
  return 'missing';
}

function makePaint({ scale, theme }: HeatMapModel, canvas: HTMLCanvasElement): (cell: HeatMapCell) => CanvasPattern | string {
  const pen = canvas.getContext('2d');
  const missing = pen ? makePattern('missing', theme, pen) : theme.background;
  const impossible = pen ? makePattern('impossible', theme, pen) : theme.background;
  return (cell) => (cell.state === 'measured' ? cssColor(scale.color(cell.value)) : cell.state === 'missing' ? missing : impossible);
}

/** Cells end on whole pixels, with a hair of background between those that are large enough. */
function layOut(chart: Chart, cells: readonly HeatMapCell[]): void {
  const { x, y } = chart.scales;
  if (!x || !y) return;
  chart.getDatasetMeta(0).data.forEach((element, index) => {
    const cell = cells[index];
    if (!cell) return;
    const box = cellBox(chart, cell);
    Object.assign(element, { x: box.left, y: box.top, width: box.width, height: box.height });
  });
}

function cellBox(chart: Chart, cell: HeatMapCell): { left: number; top: number; width: number; height: number } {
  const { x, y } = chart.scales;
  const left = Math.round(x?.getPixelForValue(cell.x) ?? 0);
  const right = Math.round(x?.getPixelForValue(cell.right) ?? 0);
  const top = Math.round(y?.getPixelForValue(cell.row - 0.5) ?? 0);
  const bottom = Math.round(y?.getPixelForValue(cell.row + 0.5) ?? 0);
  const [width, height] = [Math.max(1, right - left), Math.max(1, bottom - top)];
  return { left, top, width: width - (width > 4 ? 1 : 0), height: height - (height > 6 ? 1 : 0) };
}

function layerScale({ grid, gutter, roomy, theme, layerColors }: HeatMapModel): object {
  const rows = grid.layers.length;
  const font = `${axisFontSize}px ${theme.fontFamily}`;
  const pen = document.createElement('canvas').getContext('2d');
  if (pen) pen.font = font;
  const own = distinctPart(grid.layers);
  const label = (layer: string): string => shortenMiddle(own(layer), (text) => (pen?.measureText(text).width ?? 0) <= gutter - 12);
  const every = Math.max(1, Math.ceil(12 / rowHeight(rows, roomy)));
  const shown = grid.layers.map((_, row) => row).filter((row) => (rows - 1 - row) % every === 0);
  return {
    min: -0.5,
    max: rows - 0.5,
    reverse: true,
    grid: { display: false, drawTicks: false },
    afterBuildTicks: (scale: { ticks: { value: number }[] }) => {
      scale.ticks = shown.map((value) => ({ value }));
    },
    ticks: {
      autoSkip: false,
      padding: 10,
      color: ({ index }: { index: number }) => (layerColors.has(grid.layers[shown[index] ?? -1] ?? '') ? theme.foreground : theme.muted),
      callback: (_: unknown, index: number) => label(grid.layers[shown[index] ?? -1] ?? ''),
    },
  };
}

/** A stroke beside each layer that the lines below show, in the colour of its line. */
function drawSwatches(chart: Chart, { grid, layerColors }: HeatMapModel): void {
  const y = chart.scales['y'];
  if (!y) return;
  grid.layers.forEach((layer, row) => {
    const color = layerColors.get(layer);
    if (!color) return;
    const top = Math.round(y.getPixelForValue(row - 0.5));
    chart.ctx.fillStyle = color;
    chart.ctx.fillRect(chart.chartArea.left - 6, top, 3, Math.max(2, Math.round(y.getPixelForValue(row + 0.5)) - top - 1));
  });
}

function drawFocus(chart: Chart, pen: CanvasRenderingContext2D, { cursor, grid, checkpoints, theme }: HeatMapModel, cells: readonly HeatMapCell[]): void {
  const position = cursor.position;
  if (!position) return;
  const column = checkpoints.list.findIndex((checkpoint) => checkpoint.at === position.at);
  const row = position.layer === null ? -1 : grid.layers.indexOf(position.layer);
  const cell = column < 0 ? undefined : cells.find((one) => one.row === row && one.bin.first <= column && column <= one.bin.last);
  if (!cell) return;
  const box = cellBox(chart, cell);
  pen.save();
  // Two tones, so that the frame stands out on every colour of the scale.
  pen.lineWidth = 3;
  pen.strokeStyle = theme.background;
  pen.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
  pen.lineWidth = 1.5;
  pen.strokeStyle = theme.foreground;
  pen.strokeRect(box.left - 0.5, box.top - 0.5, box.width + 1, box.height + 1);
  pen.restore();
}
