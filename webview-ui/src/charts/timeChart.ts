import { Chart, LinearScale, LineController, LineElement, PointElement, type ChartDataset, type ScaleOptionsByType } from 'chart.js';
import { MatrixController, MatrixElement } from 'chartjs-chart-matrix';
import { formatAt } from '../format';
import type { Theme } from '../theme';
import type { CursorPosition, CursorStore } from './cursor';
import { drawOverlay, marksPlugin, setMarks, type Marks } from './marks';
import { listenToPointer } from './pointer';
import type { Range, SharedAxis } from './sharedAxis';

Chart.register(LinearScale, LineController, LineElement, PointElement, MatrixController, MatrixElement, marksPlugin);
// Nothing moves unless data moved.
Chart.defaults.animation = false;

/** What all charts over training time share. */
export interface TimeModel {
  readonly axis: SharedAxis;
  readonly theme: Theme;
  readonly cursor: CursorStore;
  /** Width left of the plot area, the same in all charts, so that places lie exactly below each other. */
  readonly gutter: number;
  /** Wide page: charts may be taller. */
  readonly roomy: boolean;
  readonly onZoom: (range: Range | null) => void;
}

export interface Drawing {
  readonly datasets: ChartDataset[];
  /** Options of the vertical scale over the common ones. */
  readonly y: object;
  readonly marks: Omit<Marks, 'theme' | 'axis' | 'cursor'>;
}

export interface TimeChartKind<Model extends TimeModel> {
  readonly type: 'line' | 'matrix';
  /** Room above the plot area. */
  readonly top: number;
  /** @param width of the plot area in pixels */
  draw(model: Model, width: number): Drawing;
  locate(model: Model, x: number, y: number): CursorPosition | null;
  click?(model: Model, position: CursorPosition): void;
}

export interface TimeChart<Model> {
  render(model: Model): void;
  destroy(): void;
}

/** Room right of the plot area, for the half of the last label. */
const rightPadding = 10;
export const axisFontSize = 11;

export function createTimeChart<Model extends TimeModel>(canvas: HTMLCanvasElement, kind: TimeChartKind<Model>): TimeChart<Model> {
  let model: Model | null = null;
  let frame = 0;
  const overlay = document.createElement('canvas');
  overlay.className = 'overlay';
  overlay.setAttribute('aria-hidden', 'true');
  canvas.after(overlay);
  const refreshOverlay = (): void => {
    const pen = overlay.getContext('2d');
    if (!pen) return;
    const ratio = chart.currentDevicePixelRatio;
    const [width, height] = [Math.round(chart.width * ratio), Math.round(chart.height * ratio)];
    if (overlay.width !== width || overlay.height !== height) {
      overlay.width = width;
      overlay.height = height;
      overlay.style.width = `${chart.width}px`;
      overlay.style.height = `${chart.height}px`;
    }
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, chart.width, chart.height);
    drawOverlay(chart, pen);
  };
  const chart: Chart = new Chart(canvas, {
    type: kind.type as 'line',
    data: { datasets: [] },
    plugins: [{ id: 'layerscopePlotArea', afterLayout: tellPlotArea }],
    options: {
      responsive: true,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      events: [],
      layout: { padding: { top: kind.top, right: rightPadding } },
      onResize: (_, size) => {
        if (!model) return;
        apply(model, size.width);
        scheduleOverlay();
      },
    },
  });
  const scheduleOverlay = (): void => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(refreshOverlay);
  };
  const apply = (current: Model, canvasWidth: number): void => {
    const drawing = kind.draw(current, Math.max(1, canvasWidth - current.gutter - rightPadding));
    chart.data.datasets = drawing.datasets;
    chart.options.scales = { x: timeScale(current), y: { ...valueScale(current), ...drawing.y } as object };
    setMarks(chart, { ...drawing.marks, theme: current.theme, axis: current.axis, cursor: current.cursor });
  };
  const stopListening = listenToPointer(chart, () => {
    const current = model;
    return (
      current && {
        axis: current.axis,
        cursor: current.cursor,
        locate: (x, y) => kind.locate(current, x, y),
        onClick: (position) => kind.click?.(current, position),
        onZoom: current.onZoom,
      }
    );
  });
  let unsubscribe = (): void => undefined;
  return {
    render: (next) => {
      if (model?.cursor !== next.cursor) {
        unsubscribe();
        unsubscribe = next.cursor.subscribe(scheduleOverlay);
      }
      model = next;
      Chart.defaults.font.family = next.theme.fontFamily;
      Chart.defaults.font.size = axisFontSize;
      apply(next, canvas.clientWidth);
      chart.update('none');
      refreshOverlay();
    },
    destroy: () => {
      cancelAnimationFrame(frame);
      unsubscribe();
      stopListening();
      chart.destroy();
      overlay.remove();
    },
  };
}

/** Where the plot area lies in the canvas: left, top, right, bottom in CSS pixels. For tests that look at the picture. */
function tellPlotArea({ canvas, chartArea: { left, top, right, bottom } }: Chart): void {
  canvas.dataset['plot'] = [left, top, right, bottom].map(Math.round).join(' ');
}

type LinearOptions = ScaleOptionsByType<'linear'>;

function timeScale({ axis, theme }: TimeModel): object {
  let places: readonly number[] = [];
  return {
    type: 'linear',
    offset: false,
    min: axis.min,
    max: axis.max,
    grid: { display: true, drawOnChartArea: false, tickLength: 4, color: theme.lines },
    border: { color: theme.lines, display: true },
    afterBuildTicks: (scale: { width: number; ticks: { value: number }[] }) => {
      places = axis.ticks(scale.width);
      scale.ticks = places.map((at) => ({ value: axis.toAxis(at) }));
    },
    ticks: {
      autoSkip: false,
      maxRotation: 0,
      padding: 2,
      color: theme.muted,
      callback: (_: unknown, index: number) => formatAt(places[index] ?? 0),
    } satisfies Partial<LinearOptions['ticks']>,
  };
}

function valueScale({ gutter, theme }: TimeModel): object {
  return {
    type: 'linear',
    offset: false,
    afterFit: (scale: { width: number }) => {
      scale.width = gutter;
    },
    border: { display: false },
    ticks: { color: theme.muted, padding: 6 },
  };
}
