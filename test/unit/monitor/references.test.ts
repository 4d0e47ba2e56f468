import { describe, expect, it } from 'vitest';
import { findReferences } from '../../../src/monitor/references';

interface Spec {
  readonly path: string;
  readonly epoch?: number;
  readonly step?: number;
  readonly signature?: string;
}

function references(...specs: readonly Spec[]): Record<string, [previous: string | null, first: string | null]> {
  const found = findReferences(
    specs.map(({ path, epoch = null, step = null, signature = 'same' }) => ({
      path, absolutePath: `/run/${path}`,
      content: { kind: 'checkpoint' as const, fileVersion: '1', fingerprint: path, epoch, step, layers: ['fc'], signature, problems: [] },
    })),
  );
  return Object.fromEntries([...found].map(([path, { previous, first }]) => [path, [previous?.fingerprint ?? null, first?.fingerprint ?? null]]));
}

describe('what a checkpoint is compared with', () => {
  it('is the nearest earlier one and the first one, by epoch', () => {
    expect(references({ path: 'c', epoch: 10 }, { path: 'a', epoch: 1 }, { path: 'b', epoch: 2 })).toEqual({ a: [null, 'a'], b: ['a', 'a'], c: ['b', 'a'] });
  });

  it('goes by steps where there are no epochs, and within one epoch', () => {
    expect(references({ path: 'b', step: 20 }, { path: 'a', step: 10 })).toEqual({ a: [null, 'a'], b: ['a', 'a'] });
    expect(references({ path: 'b', epoch: 1, step: 20 }, { path: 'a', epoch: 1, step: 10 })).toEqual({ a: [null, 'a'], b: ['a', 'a'] });
  });

  it('is never one of the same moment', () => {
    expect(references({ path: 'a', epoch: 1 }, { path: 'b', epoch: 2 }, { path: 'best', epoch: 2 }, { path: 'c', epoch: 3 })).toEqual({
      a: [null, 'a'], b: ['a', 'a'], best: ['a', 'a'], c: ['best', 'a'],
    });
  });

  it('is none of another network, and none without a place in training', () => {
    expect(
      references({ path: 'g1', epoch: 1 }, { path: 'd1', epoch: 1, signature: 'other' }, { path: 'g2', epoch: 2 }, { path: 'd2', epoch: 2, signature: 'other' }, { path: 'model' }),
    ).toEqual({ g1: [null, 'g1'], d1: [null, 'd1'], g2: ['g1', 'g1'], d2: ['d1', 'd1'], model: [null, null] });
  });
});
