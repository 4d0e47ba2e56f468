import { describe, expect, it } from 'vitest';
import { spreadWithinEpochs } from '../../../webview-ui/src/select/spread';

const spread = (epochs: number[], steps: (number | null)[]): number[] => {
  const at = Float64Array.from(epochs);
  spreadWithinEpochs(at, steps);
  return [...at];
};

describe('points logged within an epoch', () => {
  it('are spread over it by their steps', () => {
    expect(spread([0, 0, 1, 1, 2], [0, 5, 10, 14, 20])).toEqual([0, 0.5, 1, 1.4, 2]);
  });

  it('take the length of the last epoch from their own steps', () => {
    expect(spread([3, 3, 3, 3], [10, 20, 30, 40])).toEqual([3, 3.25, 3.5, 3.75]);
  });

  it.each([
    ['one point an epoch', [0, 1, 2], [10, 20, 30]],
    ['no steps', [0, 0, 1], [null, null, null]],
    ['a run that was resumed from an earlier step', [2, 2], [50, 10]],
    ['fractions of an epoch', [0.5, 1, 1.5], [1, 2, 3]],
  ])('stay where they are with %s', (_what, epochs, steps) => {
    expect(spread(epochs, steps)).toEqual(epochs);
  });

  it('never leave their epoch and keep their order', () => {
    const epochs = Array.from({ length: 200 }, (_, i) => Math.floor(i / 17));
    const placed = spread(epochs, epochs.map((_, i) => 3 * i));
    placed.forEach((place, i) => {
      expect(Math.floor(place)).toBe(epochs[i]);
      if (i > 0) expect(place).toBeGreaterThan(placed[i - 1]!);
    });
  });
});
