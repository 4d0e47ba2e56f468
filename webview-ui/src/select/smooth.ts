/** What the picker offers: the weight of the past. 0 draws the log as it is. */
export const smoothings = [0, 0.6, 0.9, 0.99] as const;

/**
 * Exponential moving average, corrected for its start from nothing (the debiased form of Adam, Kingma & Ba 2015), over all points and before
 * any decimation. A value depends on what was logged before it alone, so that points that arrive later never move the line that is drawn.
 * @param weight of the past, 0 <= weight < 1.
 * @returns as many values; NaN stays NaN and has no part in the average.
 */
export function smooth(values: Float64Array, weight: number): Float64Array {
  if (!(weight >= 0 && weight < 1)) throw new RangeError(`The weight of the past must lie in [0, 1), not at ${weight}.`);
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (Number.isNaN(value)) return NaN;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}
