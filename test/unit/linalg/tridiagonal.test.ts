import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/linalg/random';
import { tridiagonalEigenvalues } from '../../../src/linalg/tridiagonal';

interface Tridiagonal {
  readonly d: readonly number[];
  /** One shorter. */
  readonly e: readonly number[];
}

/** How many eigenvalues lie below x: negative pivots of T - x (Sturm). */
function below({ d, e }: Tridiagonal, x: number): number {
  let count = 0;
  let pivot = 1;
  for (const [i, value] of d.entries()) {
    const coupling = i > 0 ? (e[i - 1] as number) : 0;
    pivot = value - x - (coupling === 0 ? 0 : (coupling / pivot) * coupling);
    if (pivot === 0) pivot = -Number.MIN_VALUE;
    if (pivot < 0) count += 1;
  }
  return count;
}

/** By bisection, which is accurate to some units of rounding of the largest and has nothing in common with what is tested. */
function bisected(matrix: Tridiagonal, largest: number): number[] {
  return matrix.d.map((_, index) => {
    let [low, high] = [-3 * largest, 3 * largest];
    for (let step = 0; step < 64; step++) {
      const middle = (low + high) / 2;
      if (below(matrix, middle) > index) high = middle;
      else low = middle;
    }
    return (low + high) / 2;
  });
}

/** In units of the largest element. */
function worst(matrix: Tridiagonal): number {
  const largest = Math.max(...[...matrix.d, ...matrix.e].map(Math.abs));
  const found = tridiagonalEigenvalues(Float64Array.from(matrix.d), Float64Array.from([...matrix.e, 0]));
  const wanted = bisected(matrix, largest);
  expect(found.length).toBe(wanted.length);
  return wanted.reduce((most, value, i) => {
    const error = Math.abs((found[i] as number) - value) / largest;
    return Number.isNaN(error) ? Infinity : Math.max(most, error);
  }, 0);
}

/** Numbers from 0 to 1. */
function uniform(seed: number): () => number {
  const random = new Random(seed);
  return () => random.next32() / 2 ** 32;
}

const range = <Value>(length: number, value: (i: number) => Value): Value[] => Array.from({ length }, (_, i) => value(i));

/** Wilkinson's W+: eigenvalues in pairs that agree to 14 digits. */
const wilkinson = (half: number): Tridiagonal => ({ d: range(2 * half + 1, (i) => Math.abs(i - half)), e: range(2 * half, () => 1) });

function glued(copies: number, glue: number): Tridiagonal {
  const one = wilkinson(10);
  return {
    d: range(copies, () => one.d).flat(),
    e: range(copies, (copy) => (copy < copies - 1 ? [...one.e, glue] : [...one.e])).flat(),
  };
}

/** 64 units of rounding of the largest element: of 8000 random matrices the worst needs 39 (with one shift at a time 31). */
const tolerance = 64 * Number.EPSILON;

describe('eigenvalues of tridiagonal matrices', () => {
  it('are those of bisection for random matrices of every size up to 60', () => {
    const next = uniform(7);
    for (let size = 1; size <= 60; size++) {
      const matrix = { d: range(size, () => next() - 0.5), e: range(size - 1, () => next() - 0.5) };
      expect(worst(matrix), `size ${size}`).toBeLessThan(tolerance);
    }
  });

  it.each([
    ['1, -2, 1 (second differences)', { d: range(200, () => -2), e: range(199, () => 1) }],
    ['a zero diagonal, whose eigenvalues come in pairs of both signs', { d: range(101, () => 0), e: range(100, (i) => Math.sqrt(i + 1)) }],
    ['pairs that agree to 14 digits', wilkinson(30)],
    ['such matrices glued together', glued(8, 1e-8)],
    ['one that falls by 30 decades to its end', { d: range(60, (i) => 10 ** (-i / 2)), e: range(59, (i) => 10 ** (-i / 2 - 0.3)) }],
    ['one that rises by 30 decades', { d: range(60, (i) => 10 ** (i / 2 - 30)), e: range(59, (i) => 10 ** (i / 2 - 30)) }],
    ['couplings that vanish here and there', { d: range(90, (i) => i % 7), e: range(89, (i) => (i % 5 === 0 ? 0 : 1)) }],
    ['equal eigenvalues', { d: range(50, () => 3), e: range(49, () => 0) }],
    ['a first row that a shift hits exactly', { d: [0, 1, 0, 1, 0], e: [1, 1, 1, 1] }],
    ['elements of 1e150, whose sixth powers overflow', { d: range(40, (i) => 1e150 * (i + 1)), e: range(39, () => 1e150) }],
    ['elements of 1e-150, whose squares underflow', { d: range(40, (i) => 1e-150 * (i + 1)), e: range(39, () => 1e-150) }],
  ] as const)('are those of bisection for %s', (_, matrix: Tridiagonal) => {
    expect(worst(matrix)).toBeLessThan(tolerance);
  });

  it('are found for random graded and broken matrices of both directions', () => {
    const next = uniform(11);
    for (let trial = 0; trial < 200; trial++) {
      const size = 2 + Math.floor(40 * next());
      const slope = 8 * (next() - 0.5);
      const scale = (i: number) => 10 ** ((slope * i) / 4);
      const holes = next() < 0.5 ? 0.2 : 0;
      const matrix = { d: range(size, (i) => (next() < holes ? 0 : (next() - 0.5) * scale(i))), e: range(size - 1, (i) => (next() < holes ? 0 : (next() - 0.5) * scale(i))) };
      if ([...matrix.d, ...matrix.e].every((value) => value === 0)) continue;
      expect(worst(matrix), `trial ${trial}`).toBeLessThan(tolerance);
    }
  });
});
