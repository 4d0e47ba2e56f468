import { expect, it } from 'vitest';
import { defaultMeasureOptions, featureCatalog } from '../../../src/metrics';
import type { FeatureTask, LayerStep } from '../../../src/monitor';
import type { ComputeAnswer } from '../../../src/worker/computeMessages';
import { inFamilies, layerUnits } from '../../../src/worker/layerUnits';
import { LayerWork, type Piece } from '../../../src/worker/work';

const task: FeatureTask = {
  kind: 'features', file: '/run/probe', layer: 'fc', metrics: ['rankme', 'alignment', 'random_label_fit'], options: defaultMeasureOptions, previous: null,
};
const nothing: ComputeAnswer = { kind: 'part', measured: null };
const found: ComputeAnswer = { kind: 'part', measured: new Map() };
const partOf = (piece: Piece | null): string => (piece === null ? 'nothing' : piece.request.kind === 'part' ? piece.request.part : piece.request.kind);

function begin(): { work: LayerWork; ended: unknown[] } {
  const ended: unknown[] = [];
  return { work: new LayerWork(task, (result) => ended.push(result)), ended };
}

it('cuts all metrics into units of both parts, families that share work together, each metric once', () => {
  const metrics = featureCatalog.map(({ id }) => id);
  const units = layerUnits({ metrics, options: defaultMeasureOptions });
  for (const part of ['train', 'held_out']) {
    const own = units.filter((unit) => unit.part === part).flatMap((unit) => unit.metrics);
    expect([...own].sort()).toEqual([...metrics].sort());
  }
  const together = (a: string, b: string, some = units): boolean => some.some((unit) => unit.metrics.includes(a) && unit.metrics.includes(b));
  expect(together('rankme', 'stable_rank')).toBe(true);
  expect(together('coding_rate', 'crr_normalized')).toBe(true);
  expect(together('random_label_fit', 'rankme')).toBe(false);
  const ofClusters = layerUnits({ metrics: ['coding_rate', 'uniformity'], options: { ...defaultMeasureOptions, partition: 'clusters' } });
  expect([together('coding_rate', 'uniformity', ofClusters), together('coding_rate', 'uniformity')]).toEqual([true, false]);
});

it('lets one thread do a layer part by part', () => {
  const { work, ended } = begin();
  const order: string[] = [];
  for (let piece = work.take('a'); piece !== null; piece = work.take('a')) {
    order.push(partOf(piece));
    work.answered(piece, piece.request.kind === 'combine' ? { kind: 'measured', measurements: [] } : found);
  }
  expect(order).toEqual(['train', 'train', 'train', 'held_out', 'held_out', 'held_out', 'combine']);
  expect(ended).toEqual([{ answer: { kind: 'measured', measurements: [] } }]);
});

it('gives a helping thread a part of its own, and a third what is left', () => {
  const { work } = begin();
  const first = ['a', 'b', 'c'].map((thread) => [thread, work.take(thread)] as const);
  expect(first.map(([, piece]) => partOf(piece))).toEqual(['train', 'held_out', 'train']);
  expect(work.owner).toBe('a');
  for (const [, piece] of first) work.answered(piece as Piece, found);
  expect(['b', 'a', 'c'].map((thread) => partOf(work.take(thread)))).toEqual(['held_out', 'train', 'held_out']);
});

it('does not look at more of a part that has no rows', () => {
  const { work } = begin();
  const [train, heldOut] = [work.take('a') as Piece, work.take('b') as Piece];
  work.answered(heldOut, nothing);
  expect(work.waiting.map(partOf)).toEqual(['train', 'train']);
  work.answered(train, found);
  expect([work.take('b'), work.take('a')].map(partOf)).toEqual(['train', 'train']);
  expect(work.take('a')).toBeNull();
});

it('ends with the first failure, and tells the threads that are at it to stop', () => {
  const { work, ended } = begin();
  const [one, other] = [work.take('a') as Piece, work.take('b') as Piece];
  work.answered(one, { kind: 'failed', failure: { kind: 'format', message: '', file: '/run/probe', place: 'tensor fc', reason: 'is gone' } });
  expect(ended).toEqual([{ error: expect.objectContaining({ name: 'FormatError', file: '/run/probe', place: 'tensor fc', reason: 'is gone' }) }]);
  expect(work.cancel[0]).toBe(1);
  expect(work.take('a')).toBeNull();
  work.answered(other, found);
  expect(ended).toHaveLength(1);
});

it('gives what a lost thread was at to another, which begins with that', () => {
  const { work } = begin();
  const piece = work.take('a') as Piece;
  work.disown('a');
  work.lose(piece);
  expect(work.owner).toBeNull();
  expect(work.take('b')).toBe(piece);
  expect(piece.attempts).toBe(2);
});

it('counts the steps of both parts, and none twice that a lost thread had begun', () => {
  const told: LayerStep[] = [];
  const work = new LayerWork(task, () => undefined, (step) => told.push(step));
  expect(inFamilies(['stable_rank', 'nothing', 'coding_rate', 'crr_normalized'])).toEqual([['coding_rate', 'crr_normalized'], ['stable_rank'], ['nothing']]);
  for (let times = 0; times < 8; times += 1) work.stepped(['rankme']);
  work.fail(new Error('cancelled'));
  work.stepped(['rankme']);
  expect(told.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 6, 6]);
  expect(told[0]).toEqual({ metrics: ['rankme'], step: 1, steps: 6 });
});
