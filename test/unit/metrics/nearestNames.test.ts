import { describe, expect, it } from 'vitest';
import { metricCatalog, nearestNames } from '../../../src/metrics';

const known = metricCatalog.map(({ id }) => id);

describe('the nearest names', () => {
  it('are those that few letters are missing, wrong or too many in, nearest first', () => {
    expect(nearestNames('rankm', known)).toEqual(['rankme']);
    expect(nearestNames('aligment', known)[0]).toBe('alignment');
    expect(nearestNames('silhouettes', ['silhouete', 'silhouette'])).toEqual(['silhouette', 'silhouete']);
  });

  it('are those that hold the name or are held by it, at most three', () => {
    const found = nearestNames('coding', known);
    expect(found).toHaveLength(3);
    for (const id of found) expect(id).toContain('coding');
    expect(nearestNames('my_rankme_2026', known)).toEqual(['rankme']);
  });

  it('do not depend on case and blanks', () => {
    expect(nearestNames(' RankMe ', known)[0]).toBe('rankme');
  });

  it('are none for a name that is like no other, nor for nothing', () => {
    for (const name of ['nope', 'xyzzy', '', ' ']) expect(nearestNames(name, known)).toEqual([]);
  });
});
