import { formatAt } from '../format';

/** A part of the timeline, for zooming. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * The horizontal axis of all charts. Chart.js draws it as a linear scale of "axis coordinates";
 * on the log axis these are log(1 + place / unit), so that checkpoint 0 has a place too.
 */
export interface SharedAxis {
  readonly kind: 'linear' | 'log';
  /** Visible window and whole domain in axis coordinates. */
  readonly min: number;
  readonly max: number;
  readonly fullMin: number;
  readonly fullMax: number;
  /** Ascending edges of the columns: column i reaches from its checkpoint to the next. One more than there are columns. */
  readonly edges: Float64Array;
  toAxis(at: number): number;
  fromAxis(x: number): number;
  /** Places worth a label when the axis is so many pixels wide. */
  ticks(width: number): readonly number[];
}

/** The last column has no next checkpoint: it is as wide as the one before, but at most this share of the axis. */
const lastColumnShare = 0.07;
const smallestLastColumnShare = 0.02;
const tickDistance = 34;

export function makeSharedAxis(options: {
  readonly kind: 'linear' | 'log';
  /** Ascending. */
  readonly checkpoints: readonly number[];
  /** Range of the logs on the same timeline, if there are any. */
  readonly logs: Range | null;
  readonly zoom: Range | null;
}): SharedAxis {
  const { kind, checkpoints, logs, zoom } = options;
  const first = Math.min(checkpoints[0] ?? Infinity, logs?.min ?? Infinity);
  const start = Number.isFinite(first) ? first : 0;
  const unit = smallestStep(checkpoints, start);
  const toAxis = (at: number): number => (kind === 'log' ? Math.log1p(Math.max(0, at - Math.min(0, start)) / unit) : at);
  const fromAxis = (x: number): number => (kind === 'log' ? Math.expm1(x) * unit + Math.min(0, start) : x);

  const lefts = checkpoints.map(toAxis);
  const left = toAxis(start);
  const lastLeft = lefts.at(-1) ?? left;
  const span = Math.max(lastLeft, logs ? toAxis(logs.max) : lastLeft) - left;
  const before = lefts.length > 1 ? lastLeft - (lefts.at(-2) ?? 0) : span * lastColumnShare;
  const lastWidth = span > 0 ? Math.min(span * lastColumnShare, Math.max(before, span * smallestLastColumnShare)) : 1;
  const edges = Float64Array.from(checkpoints.length > 0 ? [...lefts, lastLeft + lastWidth] : []);
  const fullMax = Math.max(edges.at(-1) ?? left + 1, logs ? toAxis(logs.max) : -Infinity, left + 1e-9);

  const min = zoom ? Math.max(left, toAxis(zoom.min)) : left;
  const max = zoom ? Math.min(fullMax, toAxis(zoom.max)) : fullMax;
  const visible = max > min ? { min, max } : { min: left, max: fullMax };
  return {
    kind,
    ...visible,
    fullMin: left,
    fullMax,
    edges,
    toAxis,
    fromAxis,
    ticks: (width) => {
      const from = fromAxis(visible.min);
      const to = fromAxis(visible.max);
      const shown = checkpoints.filter((at) => at >= from && at <= to);
      const round = kind === 'linear' || to - from < 3 * from ? niceSteps(from, to, width / 48) : powers(from, to, unit);
      const few = shown.length <= (zoom ? 2 : 0);
      const single = checkpoints.length === 1 && !logs;
      const candidates = single || (kind === 'log' && !few && shown.length <= 60) ? shown : round;
      const scale = width / (visible.max - visible.min);
      return thin(candidates, (at) => (toAxis(at) - visible.min) * scale);
    },
  };
}

/** Column whose interval holds the axis coordinate; the nearest one outside of all; -1 without columns. */
export function columnAt(edges: ArrayLike<number>, x: number): number {
  let low = 0;
  let high = edges.length - 2;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edges[middle] ?? 0) <= x) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Column whose left edge, where it was measured, is nearest; -1 without columns. */
export function nearestColumn(edges: ArrayLike<number>, x: number): number {
  const column = columnAt(edges, x);
  if (column < 0 || column + 2 >= edges.length) return column;
  return x - (edges[column] ?? 0) <= (edges[column + 1] ?? 0) - x ? column : column + 1;
}

/** A window around `center`, `factor` times as wide, inside the domain; null when it is the whole domain. */
export function zoomBy(axis: SharedAxis, factor: number, center: number): Range | null {
  const width = (axis.max - axis.min) * factor;
  if (width >= axis.fullMax - axis.fullMin) return null;
  const share = (axis.toAxis(center) - axis.min) / (axis.max - axis.min);
  const min = Math.min(Math.max(axis.fullMin, axis.toAxis(center) - width * Math.min(1, Math.max(0, share))), axis.fullMax - width);
  return { min: axis.fromAxis(min), max: axis.fromAxis(min + width) };
}

function smallestStep(checkpoints: readonly number[], start: number): number {
  const base = Math.min(0, start);
  const positive = checkpoints.find((at) => at - base > 0);
  return positive === undefined ? 1 : positive - base;
}

function powers(from: number, to: number, unit: number): number[] {
  const places = from <= 0 ? [0] : [];
  const start = Math.floor(Math.log10(Math.max(unit, from, 1e-12)));
  for (let power = start; 10 ** power <= to; power++) {
    for (const digit of [1, 2, 5]) {
      const place = digit * 10 ** power;
      if (place >= from && place <= to) places.push(place);
    }
  }
  return places;
}

/** Round places between two bounds, about `count` of them. */
export function niceSteps(from: number, to: number, count: number): number[] {
  const rough = (to - from) / Math.max(1, count);
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((digit) => digit * power >= rough) ?? 10);
  const places: number[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) places.push(Number((i * step).toPrecision(12)));
  return places;
}

/** First and last stay; of the others those that have room. */
function thin(places: readonly number[], pixel: (at: number) => number): number[] {
  const first = places[0];
  const last = places.at(-1);
  if (first === undefined || last === undefined || first === last) return [...places];
  const room = (a: number, b: number): boolean => Math.abs(pixel(a) - pixel(b)) >= Math.max(tickDistance, 4 + 3.5 * (formatAt(a).length + formatAt(b).length));
  const kept = [first];
  for (const place of places.slice(1, -1)) if (room(place, kept.at(-1) ?? first) && room(place, last)) kept.push(place);
  if (room(last, kept.at(-1) ?? first)) kept.push(last);
  return kept;
}
