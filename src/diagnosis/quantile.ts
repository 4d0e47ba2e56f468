/**
 * Quantile of the standard normal distribution for a probability in (0, 1), with a relative error below 1.2e-9.
 * Rational approximation of Acklam (2003, "An algorithm for computing the inverse normal cumulative distribution function").
 */
export function normalQuantile(probability: number): number {
  if (!(probability > 0 && probability < 1)) throw new RangeError(`a probability lies between 0 and 1, not at ${String(probability)}`);
  const tail = 0.02425;
  if (probability > 1 - tail) return -normalQuantile(1 - probability);
  if (probability < tail) {
    const q = Math.sqrt(-2 * Math.log(probability));
    return (
      polynomial([-7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783], q) /
      polynomial([7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1], q)
    );
  }
  const q = probability - 0.5;
  const r = q * q;
  return (
    (q * polynomial([-3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1, 2.506628277459239], r)) /
    polynomial([-5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1], r)
  );
}

/**
 * The value that Student's t with `degrees` degrees of freedom exceeds with probability `level`, 0 < level < 0.5.
 * Cornish-Fisher expansion (Abramowitz & Stegun 26.7.5); within 1 % down to 30 degrees of freedom and level 1e-5.
 */
export function studentUpperQuantile(level: number, degrees: number): number {
  const z = -normalQuantile(level);
  return (
    z +
    (z ** 3 + z) / (4 * degrees) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
  );
}

/** Horner, highest power first. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}
