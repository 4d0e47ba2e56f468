import { describe, expect, it } from 'vitest';
import { isSameMoment, newestCheckpoints, withoutProbes } from '../../../src/monitor/moments';
import type { FileOnDisk } from '../../../src/runs';

const at = (epoch: number | null, step: number | null = null) => ({ epoch, step });

describe('Checkpoints without a probe', () => {
  it('are of the moment of a probe where all that both say is the same', () => {
    expect(isSameMoment(at(3), at(3))).toBe(true);
    expect(isSameMoment(at(3, 40), at(3))).toBe(true);
    expect(isSameMoment(at(null, 40), at(3, 40))).toBe(true);
    expect(isSameMoment(at(3, 40), at(3, 50))).toBe(false);
    expect(isSameMoment(at(3, 40), at(4, 40))).toBe(false);
    expect(isSameMoment(at(3), at(null, 40))).toBe(false);
    expect(isSameMoment(at(null), at(null))).toBe(false);
  });

  it('are those that hold weights, one of each content', () => {
    const checkpoint = (path: string, fingerprint: string, epoch: number | null, layers = ['w']) => ({ path, fingerprint, layers, ...at(epoch) });
    const all = [checkpoint('last.pt', 'c', 10), checkpoint('epoch10.pt', 'c', 10), checkpoint('epoch2.pt', 'b', 2), checkpoint('optimizer.pt', 'o', 2, []), checkpoint('bare.pt', 'x', null)];
    expect(withoutProbes(all, []).map(({ path }) => path)).toEqual(['epoch10.pt', 'epoch2.pt', 'bare.pt']);
    expect(withoutProbes(all, [at(10)]).map(({ path }) => path)).toEqual(['epoch2.pt', 'bare.pt']);
  });

  it('are found among many as among few', () => {
    const places = [null, 0, 1, 2];
    const moments = places.flatMap((epoch) => places.map((step) => at(epoch, step)));
    for (const probe of moments) {
      const checkpoints = moments.map((moment, index) => ({ ...moment, path: `${index}.pt`, fingerprint: String(index), layers: ['w'] }));
      expect(withoutProbes(checkpoints, [probe])).toEqual(checkpoints.filter((checkpoint) => !isSameMoment(probe, checkpoint)));
    }
  });

  it('the newest is that of the last epoch, then step, then time', () => {
    const file = (path: string, epoch: number | null, step: number | null, modified = 0, change: Partial<FileOnDisk> = {}): FileOnDisk => ({
      kind: 'checkpoint', path, absolutePath: `/run/${path}`, formatId: 'torch', format: 'PyTorch checkpoint', bytes: 1, modified, epoch, step, problem: null, ...change,
    });
    const files = [file('a', 2, 5), file('b', 2, 7), file('c', 1, 9, 99), file('d', 9, 9, 0, { kind: 'probe' }), file('e', 9, 9, 0, { formatId: null }), file('model-00001-of-00002.bin', 9, 9)];
    expect(newestCheckpoints(files).map(({ path }) => path)).toEqual(['b', 'a', 'c']);
    expect(newestCheckpoints([file('x', null, null, 5), file('y', null, null, 7)]).map(({ path }) => path)).toEqual(['y', 'x']);
  });
});
