import { expect, test } from 'vitest';
import { KernelSpace } from '../../../src/linalg/kernels';
import { CurvaturePairs } from '../../../src/metrics/curvaturePairs';
import { Random } from '../../../src/metrics/random';

const room = 20;

/** The recursion as it is printed (Nocedal & Wright 2006, algorithm 7.4), from all pairs. */
function twoLoops(gradient: readonly number[], pairs: readonly { readonly s: readonly number[]; readonly y: readonly number[] }[]): number[] {
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
  let q = [...gradient];
  const kept = pairs.slice(-room);
  const alphas = kept.map(() => 0);
  for (let i = kept.length - 1; i >= 0; i--) {
    const { s, y } = kept[i]!;
    alphas[i] = dot(s, q) / dot(s, y);
    q = q.map((value, j) => value - alphas[i]! * y[j]!);
  }
  const last = kept.at(-1);
  if (last) q = q.map((value) => (value * dot(last.s, last.y)) / dot(last.y, last.y));
  for (const [i, { s, y }] of kept.entries()) {
    const beta = dot(y, q) / dot(s, y);
    q = q.map((value, j) => value + (alphas[i]! - beta) * s[j]!);
  }
  return q.map((value) => -value);
}

test.each([1, 2, 3, 4, 5, 37])('directions of two functions of %i variables are those of the two-loop recursion from their own last twenty steps', (size) => {
  const random = new Random(5);
  const draw = () => Array.from({ length: size }, () => random.next32() / 2 ** 32 - 0.5);
  const curvature = Array.from({ length: size }, (_, j) => 1 + j);
  const pairs = new CurvaturePairs(new KernelSpace(), 2, size);
  for (const index of [0, 1]) {
    const known: { s: number[]; y: number[] }[] = [];
    let point = draw();
    let step = 0;
    let direction: number[] = [];
    for (let turn = 0; turn < 45; turn++) {
      const gradient = point.map((value, j) => value * curvature[j]!);
      if (step > 0) {
        const before = known.at(-1)!;
        before.y = gradient.map((value, j) => value - before.y[j]!);
      }
      direction = [...pairs.direction(index, Float64Array.from(gradient), step)];
      const wanted = twoLoops(gradient, known);
      const largest = Math.max(...wanted.map(Math.abs));
      for (const [j, value] of direction.entries()) expect(Math.abs(value - wanted[j]!)).toBeLessThan(1e-6 * largest);
      // Short, so that the minimum is not reached before the memory has gone round.
      step = turn % 3 === 2 ? 0.05 : 0.1;
      known.push({ s: direction.map((value) => step * value), y: gradient });
      point = point.map((value, j) => value + step * direction[j]!);
    }
  }
});

test('a step along which the gradient does not change is forgotten', () => {
  const pairs = new CurvaturePairs(new KernelSpace(), 1, 2);
  const direction = (gradient: readonly number[], step: number) => [...pairs.direction(0, gradient, step)];
  expect(direction([1, 1], 0)).toEqual([-1, -1]);
  // y = 0: there is no curvature, so the direction is that of the gradient alone.
  expect(direction([1, 1], 1)).toEqual([-1, -1]);
  // s = (-1, -1), y = (-1/2, -1/2): the curvature is 1/2, and a full step goes twice as far as the gradient.
  expect(direction([0.5, 0.5], 1)).toEqual([-1, -1]);
});
