import { describe, expect, it } from 'vitest';
import { normalQuantile, studentUpperQuantile } from '../../../src/diagnosis/quantile';

describe('quantiles', () => {
  // scipy.stats.norm.ppf
  it.each([
    [0.975, 1.959963984540054],
    [0.5, 0],
    [1e-4, -3.7190164854556804],
    [1 - 1e-6, 4.753424308822899],
  ])('gives the normal quantile of %d', (probability, expected) => {
    expect(normalQuantile(probability)).toBeCloseTo(expected, 7);
  });

  // scipy.stats.t.isf
  it.each([
    [1e-3, 30, 3.3851848668182165],
    [1e-4, 30, 4.233985956584173],
    [1e-5, 30, 5.0540324321803425],
    [1e-5, 118, 4.444667181294639],
    [4e-4, 118, 3.441829150374909],
  ])("gives the upper quantile of Student's t at level %d with %d degrees of freedom", (level, degrees, expected) => {
    expect(Math.abs(studentUpperQuantile(level, degrees) / expected - 1)).toBeLessThan(0.001);
  });

  it('refuses a probability outside of (0, 1)', () => {
    for (const probability of [0, 1, -1, NaN]) expect(() => normalQuantile(probability)).toThrow(RangeError);
  });
});
