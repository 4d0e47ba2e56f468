import type { GapPoint, GapSeries, LayerGaps } from './gapSeries';
import type { Steps } from './steps';

/** How far the gap of a late layer has grown at one checkpoint. */
export interface Growth {
  readonly at: number;
  /** gap - max(0, gap at the first checkpoint). */
  readonly growth: number;
  /** Standard error of `growth`. */
  readonly noise: number;
  /** `growth` less the largest growth of an early layer, if that is positive. */
  readonly excess: number;
  /** Standard error of `excess`. */
  readonly excessNoise: number;
  /** The smallest excess worth a finding at this checkpoint, in the unit of the metric. */
  readonly smallest: number;
  readonly point: GapPoint;
  /** The early layer that grew most, and its growth. */
  readonly early: EarlyGrowth;
}

interface EarlyGrowth {
  readonly layer: string;
  readonly growth: number;
  readonly noise: number;
  readonly point: GapPoint;
}

/** The growth of one late layer over the checkpoints after the first. */
export interface LayerGrowth {
  readonly layer: LayerGaps;
  /** Where the layer was at its first checkpoint. */
  readonly baseline: GapPoint;
  readonly checkpoints: readonly Growth[];
}

/** Since when a layer's growth is there to stay. */
export interface Established {
  readonly growth: LayerGrowth;
  /** The last checkpoint before `since` at which it was not visible; the baseline when it was visible from the start. */
  readonly notVisible: number;
  readonly since: Growth;
  readonly last: Growth;
}

/** How many times its noise something must be to count. */
export interface Thresholds {
  /** For the gap: 0 is expected of it when training and held-out samples are alike to the layer. */
  readonly gap: number;
  /** For the growth: 0 is expected of it when they differed from the start. */
  readonly growth: number;
}

/**
 * One-sided 5 % point of the normal distribution: what a single look at a single checkpoint would call noise. It tells "not there yet"
 * from "there, but not proven", which bounds the onset from below, and a late layer from an early one once the growth itself is proven.
 */
const visibleZ = 1.645;
/** Growth that is to count must hold at this many checkpoints in a row, the last one included: one odd checkpoint is no trend. */
const checkpointsInARow = 2;

/**
 * Growth of the gap of each layer in `late`, and what of it the layers in `early` do not show.
 *
 * The baseline is the first checkpoint, as the one that has learned least; where its gap is negative it counts as 0, because a split that
 * favoured the held-out samples by chance is no head start. Noise adds the variances of all gaps that go in. The same samples are seen by
 * all checkpoints and layers, so their errors are positively correlated and partly cancel: the sum overstates the noise, which costs power
 * and does not raise the rate of false alarms.
 */
export function* measureGrowth(late: readonly LayerGaps[], early: readonly LayerGaps[], smallest: (point: GapPoint) => number): Steps<LayerGrowth[]> {
  const earlyGrowth = new Map<number, EarlyGrowth | null>();
  const growths: LayerGrowth[] = [];
  for (const layer of late) {
    yield;
    const [baseline, ...later] = layer.points;
    if (baseline === undefined) continue;
    const checkpoints = later.flatMap((point): Growth[] => {
      const reference = earlyGrowth.has(point.at) ? (earlyGrowth.get(point.at) ?? null) : largestEarlyGrowth(early, point.at);
      earlyGrowth.set(point.at, reference);
      if (reference === null) return [];
      const growth = point.gap - Math.max(0, baseline.gap);
      const noise = Math.hypot(point.standardError, baseline.standardError);
      return [{
        at: point.at,
        growth,
        noise,
        excess: growth - Math.max(0, reference.growth),
        excessNoise: Math.hypot(noise, reference.noise),
        smallest: smallest(point),
        point,
        early: reference,
      }];
    });
    if (checkpoints.length > 0) growths.push({ layer, baseline, checkpoints });
  }
  return growths;
}

/**
 * Since when the growth is established for good. At the end, and at two checkpoints in a row at least, the gap and its growth must be
 * beyond their thresholds, visibly beyond what the early layers show, and by at least the smallest amount worth a finding. The onset is
 * the first such checkpoint of the last stretch in which the growth never fell back below visibility. Null when there is none.
 */
export function establishedSince(growth: LayerGrowth, thresholds: Thresholds): Established | null {
  const { checkpoints } = growth;
  const isEstablished = (each: Growth): boolean =>
    each.point.standardError > 0 &&
    each.point.gap > thresholds.gap * each.point.standardError &&
    each.growth > thresholds.growth * each.noise &&
    each.excess > visibleZ * each.excessNoise &&
    each.excess >= each.smallest;
  const ending = checkpoints.slice(-checkpointsInARow);
  const last = ending[ending.length - 1];
  if (last === undefined || ending.length < checkpointsInARow || !ending.every(isEstablished)) return null;
  let start = checkpoints.length - checkpointsInARow;
  while (start > 0 && isVisible(checkpoints[start - 1])) start -= 1;
  const since = checkpoints.slice(start).find(isEstablished) ?? last;
  return { growth, notVisible: checkpoints[start - 1]?.at ?? growth.baseline.at, since, last };
}

/** The first and the last third of the layers, at least one each; null with fewer than three layers, which have no thirds. */
export function firstAndLastThird(series: GapSeries): { early: readonly LayerGaps[]; late: readonly LayerGaps[] } | null {
  const third = Math.floor(series.layers.length / 3);
  return third === 0 ? null : { early: series.layers.slice(0, third), late: series.layers.slice(-third) };
}

function isVisible(growth: Growth | undefined): boolean {
  return growth !== undefined && growth.noise > 0 && growth.growth > visibleZ * growth.noise;
}

function largestEarlyGrowth(early: readonly LayerGaps[], at: number): EarlyGrowth | null {
  let largest: EarlyGrowth | null = null;
  for (const { layer, points } of early) {
    const baseline = points[0];
    const point = points.find((each) => each.at === at);
    if (baseline === undefined || point === undefined || point === baseline) continue;
    const growth = point.gap - baseline.gap;
    if (largest === null || growth > largest.growth) {
      largest = { layer, growth, noise: Math.hypot(point.standardError, baseline.standardError), point };
    }
  }
  return largest;
}
