import { describe, expect, it } from 'vitest';
import { computeThreadCount } from '../../../src/worker';

describe('the number of compute threads', () => {
  it.each([
    [0, 2, 2],
    [0, 64, 4],
    [1, 8, 1],
    [3, 2, 3],
    [64, 2, 4],
  ])('for a setting of %i on %i cores is %i', (setting, cores, threads) => {
    expect(computeThreadCount(setting, cores)).toBe(threads);
  });
});
