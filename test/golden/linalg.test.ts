import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type Matrix } from '../../src/linalg';
import { generalizedEigenvalues } from '../../src/linalg/generalizedEigenvalues';
import { leadingEigenvectors } from '../../src/linalg/leadingEigenvectors';
import { transpose, zeros } from '../../src/linalg/matrix';
import { largestDifference, product } from '../unit/linalg/matrices';

interface Golden {
  readonly cases: readonly { readonly kind: Kind; readonly size: number; readonly eigenvalues: readonly number[]; readonly logDeterminant?: number }[];
  readonly generalized: readonly { readonly size: number; readonly eigenvalues: readonly number[] }[];
}
type Kind = 'full' | 'graded' | 'indefinite' | 'zero' | 'rank deficient' | 'condition 1e12' | 'clustered';

const golden = JSON.parse(readFileSync(path.join(import.meta.dirname, 'linalg.json'), 'utf8')) as Golden;

/** In units of the largest eigenvalue. */
const eigenvalueTolerance = 2e-14;
/** Relative. What a float64 factor can know of a determinant goes with the condition of the matrix. */
const logDeterminantTolerance = (kind: Kind) => (kind === 'condition 1e12' ? 1e-5 : 1e-13);

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

/** Whole numbers from -1023 to 1023, as `integers` in make_linalg.py. */
function integers(rows: number, columns: number, seed: number): Matrix<Float64Array> {
  const result = zeros(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let x = Math.imul(i, 0x9e3779b1) + Math.imul(j, 0x85ebca77) + Math.imul(seed, 0xc2b2ae3d);
      for (const [shift, factor] of [[15, 0x2c1b3c6d], [12, 0x297a2d39]] as const) x = Math.imul(x ^ (x >>> shift), factor);
      result.data[i * columns + j] = ((x ^ (x >>> 15)) >>> 0) % 2047 - 1023;
    }
  }
  return result;
}

/** The same matrix as `build` in make_linalg.py, to the last bit: all sums of products are exact. */
function build(kind: Kind, size: number): Matrix<Float64Array> {
  if (kind === 'zero') return zeros(size, size);
  if (kind === 'full' || kind === 'graded') {
    const z = integers(size + 5, size, 1);
    const gram = product(transpose(z), z);
    const exponent = (i: number) => (kind === 'graded' ? -Math.floor((40 * i) / size) : 0);
    return { ...gram, data: gram.data.map((value, at) => value * 2 ** (exponent(Math.floor(at / size)) + exponent(at % size))) };
  }
  if (kind === 'indefinite') {
    const x = integers(size, size, 2);
    const mirrored = transpose(x).data;
    return { ...x, data: x.data.map((value, at) => value + (mirrored[at] as number)) };
  }
  const z = integers(size, kind === 'clustered' ? Math.min(3, size) : Math.max(1, Math.floor(size / 3)), 3);
  const gram = product(z, transpose(z));
  const shift = { 'rank deficient': 0, 'condition 1e12': 2 ** -12, clustered: 2 ** 20 }[kind];
  for (let i = 0; i < size; i++) gram.data[i * (size + 1)] = (gram.data[i * (size + 1)] as number) + shift;
  return gram;
}

describe('LAPACK and we agree on', () => {
  test.each(golden.cases)('the eigenvalues of $size x $size, $kind', async ({ kind, size, eigenvalues }) => {
    const found = await engine.symmetricEigenvalues(build(kind, size));
    const largest = Math.max(...eigenvalues.map(Math.abs));
    expect(largestDifference(found, eigenvalues)).toBeLessThanOrEqual(eigenvalueTolerance * largest);
  });

  test.each(golden.cases.filter(({ logDeterminant }) => logDeterminant !== undefined))(
    'the log-determinant of $size x $size, $kind',
    async ({ kind, size, logDeterminant = NaN }) => {
      const found = await engine.choleskyLogDeterminant(build(kind, size));
      expect(Math.abs(found / logDeterminant - 1)).toBeLessThan(logDeterminantTolerance(kind));
    },
  );

  test.each(golden.generalized)('the eigenvalues of a pencil of $size x $size', async ({ size, eigenvalues }) => {
    const found = await generalizedEigenvalues(engine, build('indefinite', size), build('full', size));
    const largest = Math.max(...eigenvalues.map(Math.abs));
    expect(largestDifference(found, eigenvalues)).toBeLessThanOrEqual(1e-11 * largest);
  });

  test.each(golden.cases.filter(({ kind, size }) => size === 600 && kind !== 'indefinite'))(
    'the 20 leading eigenvalues of $size x $size, $kind',
    async ({ kind, size, eigenvalues }) => {
      const { values } = await leadingEigenvectors(engine, build(kind, size), 20);
      const wanted = eigenvalues.slice(-20).reverse();
      expect(largestDifference(values, wanted)).toBeLessThanOrEqual(1e-12 * (wanted[0] as number));
    },
  );
});

test('a singular matrix has no Cholesky factor, and the pivot is named', async () => {
  await expect(engine.choleskyLogDeterminant(build('zero', 3))).rejects.toThrow('The matrix is not positive definite: pivot 0 is 0.');
  await expect(generalizedEigenvalues(engine, build('full', 3), build('zero', 3))).rejects.toThrow('pivot 0 is 0');
  await expect(generalizedEigenvalues(engine, build('full', 3), build('full', 2))).rejects.toThrow('matrices of one size, not 3 x 3 and 2 x 2.');
});
