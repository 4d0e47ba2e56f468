import { describe, expect, it } from 'vitest';
import { smooth, smoothings } from '../../../webview-ui/src/select/smooth';

const noisy = Float64Array.from({ length: 500 }, (_, i) => Math.sin(i / 40) + (((i * 7919) % 101) - 50) / 100);

describe('smoothing a log', () => {
  it('leaves it as it is without weight of the past', () => {
    expect(smooth(noisy, 0)).toEqual(noisy);
  });

  it('starts at the first value and weighs by hand', () => {
    // (0.5 * 0.5 * 2 + 0.5 * 4) / 0.75, the debiased average of 2 and 4.
    expect([...smooth(Float64Array.of(2, 4), 0.5)]).toEqual([2, 10 / 3]);
  });

  it.each(smoothings)('with weight %s never moves a point when later ones arrive', (weight) => {
    for (const length of [1, 17, 250]) {
      expect(smooth(noisy.slice(0, length), weight)).toEqual(smooth(noisy, weight).slice(0, length));
    }
  });

  it.each(smoothings)('with weight %s keeps a constant', (weight) => {
    for (const value of smooth(new Float64Array(50).fill(3), weight)) expect(value).toBeCloseTo(3, 12);
  });

  it('keeps a gap where nothing finite was logged and goes on behind it', () => {
    expect([...smooth(Float64Array.of(1, NaN, 1), 0.9)]).toEqual([1, NaN, 1]);
  });

  it('refuses a weight of one, which would never move', () => {
    expect(() => smooth(noisy, 1)).toThrow('must lie in [0, 1), not at 1');
  });
});
