import type { Chart } from 'chart.js';
import type { CursorPosition, CursorStore } from './cursor';
import type { Range, SharedAxis } from './sharedAxis';

export interface PointerTarget {
  readonly axis: SharedAxis;
  readonly cursor: CursorStore;
  /** What lies under an axis coordinate and a value of the vertical axis. */
  readonly locate: (x: number, y: number) => CursorPosition | null;
  readonly onClick?: (position: CursorPosition) => void;
  readonly onZoom: (range: Range | null) => void;
}

/** Less than this is a click with an unsteady hand. */
const dragThreshold = 6;

/** Moves the shared cursor, zooms by dragging, undoes it by a double click. Answers with the function that stops it. */
export function listenToPointer(chart: Chart, target: () => PointerTarget | null): () => void {
  const canvas = chart.canvas;
  let start: { pixel: number; x: number } | null = null;
  let dragging = false;

  const place = (event: PointerEvent): { pixel: number; x: number; y: number } | null => {
    const { x, y } = chart.scales;
    const area = chart.chartArea;
    if (!x || !y) return null;
    const box = canvas.getBoundingClientRect();
    const pixel = Math.min(area.right, Math.max(area.left, event.clientX - box.left));
    return { pixel, x: x.getValueForPixel(pixel) ?? 0, y: y.getValueForPixel(event.clientY - box.top) ?? 0 };
  };
  const move = (event: PointerEvent): void => {
    const model = target();
    const here = place(event);
    if (!model || !here) return;
    if (start && (dragging || Math.abs(here.pixel - start.pixel) >= dragThreshold)) {
      dragging = true;
      model.cursor.select({ from: start.x, to: here.x });
      return;
    }
    model.cursor.point(model.locate(here.x, here.y));
  };
  const down = (event: PointerEvent): void => {
    const here = place(event);
    // A finger scrolls the page.
    if (event.button !== 0 || event.pointerType === 'touch' || !here) return;
    start = { pixel: here.pixel, x: here.x };
    canvas.setPointerCapture(event.pointerId);
  };
  const up = (event: PointerEvent): void => {
    const model = target();
    const here = place(event);
    const from = start;
    const wasDragging = dragging;
    start = null;
    dragging = false;
    if (!model || !here) return;
    if (wasDragging && from) {
      model.cursor.select(null);
      const [low, high] = [Math.min(from.x, here.x), Math.max(from.x, here.x)];
      if (high > low) model.onZoom({ min: model.axis.fromAxis(low), max: model.axis.fromAxis(high) });
      return;
    }
    const position = model.locate(here.x, here.y);
    if (position && event.button === 0) model.onClick?.(position);
  };
  const leave = (): void => {
    if (!dragging) target()?.cursor.point(null);
  };
  const cancel = (): void => {
    start = null;
    dragging = false;
    target()?.cursor.select(null);
  };
  const reset = (): void => target()?.onZoom(null);

  canvas.addEventListener('pointermove', move);
  canvas.addEventListener('pointerdown', down);
  canvas.addEventListener('pointerup', up);
  canvas.addEventListener('pointerleave', leave);
  canvas.addEventListener('pointercancel', cancel);
  canvas.addEventListener('dblclick', reset);
  return () => {
    canvas.removeEventListener('pointermove', move);
    canvas.removeEventListener('pointerdown', down);
    canvas.removeEventListener('pointerup', up);
    canvas.removeEventListener('pointerleave', leave);
    canvas.removeEventListener('pointercancel', cancel);
    canvas.removeEventListener('dblclick', reset);
  };
}
