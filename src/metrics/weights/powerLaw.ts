/** A power law p(x) ~ x^-alpha for x >= xmin. */
export interface PowerLawFit {
  readonly alpha: number;
  readonly xmin: number;
  /** Standard error of alpha: (alpha - 1) / sqrt(tail). */
  readonly sigma: number;
  /** Kolmogorov-Smirnov distance of the tail from the fit. */
  readonly distance: number;
  /** Values from xmin on. */
  readonly tail: number;
}

/** Places that are looked at first: a candidate that is worse than the best so far shows it at one of them as a rule. */
const firstLooks = 24;
/** Comparisons between two calls of the checkpoint. */
const checkpointEvery = 4_000_000;

/**
 * Continuous power law by maximum likelihood, xmin being the value that gives the smallest Kolmogorov-Smirnov distance
 * (Clauset, Shalizi & Newman 2009; all values but the largest are candidates, as in WeightWatcher 0.7).
 * Sums are suffix sums; a candidate is dropped at the first place where it is worse than the best one.
 * @param ascending positive values in order
 * @returns null when there are fewer than two different values.
 */
export function fitPowerLaw(ascending: Float64Array, checkpoint?: () => void): PowerLawFit | null {
  const count = ascending.length;
  const logs = ascending.map((value) => Math.log(value));
  const sums = new Float64Array(count + 1);
  for (let i = count - 1; i >= 0; i--) sums[i] = (sums[i + 1] as number) + (logs[i] as number);
  let best = { alpha: NaN, at: -1, distance: Infinity };
  let worstPlace = 0.5;
  let compared = 0;
  for (let at = 0; at < count - 1; at++) {
    // From here on all values are equal.
    if (logs[at] === logs[count - 1]) break;
    const tail = count - at;
    const exponent = tail / ((sums[at] as number) - tail * (logs[at] as number));
    if (!(exponent > 0 && exponent < Infinity)) continue;
    const deviation = (k: number): number => Math.abs(1 - Math.exp(-exponent * ((logs[at + k] as number) - (logs[at] as number))) - k / tail);
    if (deviation(Math.min(tail - 1, Math.round(worstPlace * tail))) >= best.distance) continue;
    let distance = 0;
    let k = 0;
    const stride = Math.max(1, Math.floor(tail / firstLooks));
    for (; k < tail && distance < best.distance; k += stride) distance = Math.max(distance, deviation(k));
    if (distance >= best.distance) {
      worstPlace = (k - stride) / tail;
      continue;
    }
    for (k = 0; k < tail && distance < best.distance; k++) distance = Math.max(distance, deviation(k));
    compared += k;
    if (compared > checkpointEvery) {
      checkpoint?.();
      compared = 0;
    }
    if (distance < best.distance) best = { alpha: 1 + exponent, at, distance };
    else worstPlace = (k - 1) / tail;
  }
  if (best.at < 0) return null;
  const tail = count - best.at;
  return { alpha: best.alpha, xmin: ascending[best.at] as number, sigma: (best.alpha - 1) / Math.sqrt(tail), distance: best.distance, tail };
}
