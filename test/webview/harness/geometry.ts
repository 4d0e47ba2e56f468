import type { Page } from 'playwright-core';
import { makeSharedAxis, type SharedAxis } from '../../../webview-ui/src/charts/sharedAxis';
import type { RunDetail } from '../../../src/protocol';

export interface Plot {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Plot area of a chart in CSS pixels of its canvas. */
export async function plotOf(page: Page, chart: string): Promise<Plot> {
  const text = await page.locator(`#${chart} canvas[data-plot]`).getAttribute('data-plot');
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = (text ?? '').split(' ').map(Number);
  return { left, top, right, bottom };
}

export function epochsOf(detail: RunDetail): number[] {
  return [...new Set(detail.records.map((record) => record.epoch ?? NaN))].sort((a, b) => a - b);
}

export function axisOf(detail: RunDetail, kind: 'linear' | 'log'): SharedAxis {
  const logged = detail.series.flatMap((series) => series.epochs.flatMap((epoch) => epoch ?? []));
  return makeSharedAxis({ kind, checkpoints: epochsOf(detail), logs: { min: Math.min(...logged), max: Math.max(...logged) }, zoom: null });
}

/** Middle of a cell of the heat map in CSS pixels of its canvas. */
export function cellCenter(plot: Plot, axis: SharedAxis, rows: number, row: number, column: number): { x: number; y: number } {
  const middle = ((axis.edges[column] ?? NaN) + (axis.edges[column + 1] ?? NaN)) / 2;
  return {
    x: plot.left + ((middle - axis.min) / (axis.max - axis.min)) * (plot.right - plot.left),
    y: plot.top + ((row + 0.5) / rows) * (plot.bottom - plot.top),
  };
}

/** Colours of a chart's own canvas at places in CSS pixels. */
export async function pixelsOf(page: Page, chart: string, places: readonly { x: number; y: number }[]): Promise<number[][]> {
  return page.locator(`#${chart} canvas[data-plot]`).evaluate((element, points) => {
    const canvas = element as HTMLCanvasElement;
    const ratio = canvas.width / canvas.clientWidth;
    const pen = canvas.getContext('2d');
    return points.map(({ x, y }) => [...(pen?.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data ?? [])].slice(0, 3));
  }, places);
}
