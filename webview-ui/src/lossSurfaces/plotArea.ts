import { niceSteps } from '../charts/sharedAxis';
import type { Place } from './contours';
import type { SurfaceGrid } from './grid';

/** Where a surface lies on the page, in pixels. */
export interface PlotArea {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  toX(x: number): number;
  toY(y: number): number;
  /** The coordinates of a pixel; null outside of the surface. */
  locate(pixelX: number, pixelY: number): Place | null;
  readonly ticksX: readonly number[];
  readonly ticksY: readonly number[];
}

const margin = { left: 42, top: 8, right: 12, bottom: 26 };
const tickDistance = 46;

/** As wide as there is room, with equal units on both axes as far as the shape stays between 2 : 3 and 1 : 1. */
export function makePlotArea({ x, y }: Pick<SurfaceGrid, 'x' | 'y'>, width: number): PlotArea {
  const [x0, x1, y0, y1] = [x[0] ?? 0, x.at(-1) ?? 1, y[0] ?? 0, y.at(-1) ?? 1];
  const across = Math.max(1, width - margin.left - margin.right);
  const down = Math.round(across * Math.min(1, Math.max(2 / 3, (y1 - y0) / (x1 - x0))));
  const [left, top, right, bottom] = [margin.left, margin.top, margin.left + across, margin.top + down];
  const toX = (at: number): number => left + ((at - x0) / (x1 - x0)) * across;
  const toY = (at: number): number => bottom - ((at - y0) / (y1 - y0)) * down;
  return {
    width,
    height: bottom + margin.bottom,
    left, top, right, bottom, toX, toY,
    locate: (pixelX, pixelY) => {
      if (pixelX < left || pixelX > right || pixelY < top || pixelY > bottom) return null;
      return [x0 + ((pixelX - left) / across) * (x1 - x0), y0 + ((bottom - pixelY) / down) * (y1 - y0)];
    },
    ticksX: niceSteps(x0, x1, across / tickDistance),
    ticksY: niceSteps(y0, y1, down / tickDistance),
  };
}

/** Places as the `d` of an SVG path, to a tenth of a pixel. */
export function pathOf(lines: readonly (readonly Place[])[], { toX, toY }: Pick<PlotArea, 'toX' | 'toY'>, closed: boolean): string {
  const short = (pixel: number): string => String(Math.round(pixel * 10) / 10);
  return lines.map((line) => `M${line.map(([x, y]) => `${short(toX(x))},${short(toY(y))}`).join('L')}${closed ? 'Z' : ''}`).join('');
}
