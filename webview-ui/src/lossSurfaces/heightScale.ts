import { cividis, cssColor, type Rgb } from '../colorScale';

export type HeightKind = 'linear' | 'log';

/** How a loss becomes height and colour: one for all surfaces that are compared. */
export interface HeightScale {
  readonly kind: HeightKind;
  readonly low: number;
  readonly high: number;
  /** Losses at which the colour changes, ascending, inside of low and high. */
  readonly levels: readonly number[];
  /** 0 at `low`, 1 at `high`; not bounded. */
  unit(loss: number): number;
  /** The loss that `unit` takes to `share`. */
  loss(share: number): number;
  /** `unit` without its bounds: what contours are interpolated in. */
  forward(loss: number): number;
  /** Band of a loss, 0 (below the first level) to `levels.length`. */
  band(loss: number): number;
  bandColor(band: number): string;
  /** Without steps; in the middle of a band the colour of the band. */
  color(loss: number): Rgb;
  /** Colour of a level line: black or white, whichever is seen on the bands beside it. */
  lineColor(level: number): string;
}

/** About so many levels. */
const wantedLevels = 12;

/** Why the losses have no logarithm; null when they have. */
export function whyNotLog(low: number): string | null {
  return low > 0 ? null : `A logarithmic height needs losses above 0; the lowest is ${low}.`;
}

/** Lowest and highest computed loss of all surfaces; null without any. */
export function lossRange(losses: Iterable<Iterable<number | null>>): { readonly low: number; readonly high: number } | null {
  let [low, high] = [Infinity, -Infinity];
  for (const list of losses) {
    for (const loss of list) {
      if (loss === null || !Number.isFinite(loss)) continue;
      low = Math.min(low, loss);
      high = Math.max(high, loss);
    }
  }
  return low <= high ? { low, high } : null;
}

/** What shows more: over more than a decade and a half nearly everything of a linear scale is in its lowest band. */
export function suitableHeight(range: { readonly low: number; readonly high: number } | null): HeightKind {
  return range !== null && range.low > 0 && range.high > 30 * range.low ? 'log' : 'linear';
}

/** @param kind `log` is taken only where every loss is above 0 */
export function makeHeightScale(kind: HeightKind, { low, high }: { readonly low: number; readonly high: number }): HeightScale {
  const log = kind === 'log' && low > 0;
  const forward = log ? Math.log : (loss: number): number => loss;
  const [first, last] = [forward(low), forward(high)];
  const span = last - first;
  const levels = (log ? logLevels(low, high) : linearLevels(low, high)).filter((level) => level > low && level < high);
  const share = (band: number): number => (levels.length === 0 ? 0.5 : band / levels.length);
  const unit = (loss: number): number => (span > 0 ? (forward(loss) - first) / span : 0);
  const bandOf = (loss: number): number => levels.filter((level) => level <= loss).length;
  return {
    kind: log ? 'log' : 'linear',
    low,
    high,
    levels,
    unit,
    loss: (at) => (log ? Math.exp(first + at * span) : first + at * span),
    forward,
    band: bandOf,
    bandColor: (band) => cssColor(cividis(share(band))),
    color: (loss) => {
      const band = bandOf(loss);
      const [bottom, top] = [forward(levels[band - 1] ?? low), forward(levels[band] ?? high)];
      const inside = top > bottom ? Math.min(1, Math.max(0, (forward(loss) - bottom) / (top - bottom))) : 0.5;
      return cividis(Math.min(1, Math.max(0, share(band + inside - 0.5))));
    },
    lineColor: (level) => (share(levels.indexOf(level) + 0.5) < 0.5 ? '#ffffff' : '#000000'),
  };
}

function linearLevels(low: number, high: number): number[] {
  const step = niceStep((high - low) / wantedLevels);
  if (!(step > 0)) return [];
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** 1, 2, 5 of each power of ten, thinned over many decades; over less than one decade round losses at about equal ratios. */
function logLevels(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  if (!(decades > 0)) return [];
  if (decades < 1.2) {
    const ratios = Array.from({ length: wantedLevels - 1 }, (_, index) => low * (high / low) ** ((index + 1) / wantedLevels));
    return [...new Set(ratios.map((loss) => Number(loss.toPrecision(2))))];
  }
  const digits = decades < 2.7 ? [1, 1.5, 2, 3, 5, 7] : decades < 5 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil(decades / wantedLevels));
  const levels: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    if (power % every === 0) for (const digit of digits) levels.push(Number((digit * 10 ** power).toPrecision(6)));
  }
  return levels;
}

/** 1, 2, 2.5 or 5 times a power of ten, at least `least`. */
function niceStep(least: number): number {
  if (!(least > 0) || !Number.isFinite(least)) return 0;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 2.5, 5, 10].map((digit) => digit * power).find((step) => step >= least * 0.999) ?? least;
}
