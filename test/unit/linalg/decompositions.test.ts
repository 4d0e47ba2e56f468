import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { cholesky, solveLower, toFloat32Factor } from '../../../src/linalg/cholesky';
import { leadingEigenvectors } from '../../../src/linalg/leadingEigenvectors';
import { singularValuesDirect, singularValuesFromGram } from '../../../src/linalg/singularValues';
import { symmetricEigenvectors } from '../../../src/linalg/symmetricEigenvectors';
import { tridiagonalEigenvalues } from '../../../src/linalg/tridiagonal';
import { tridiagonalEigenvectors } from '../../../src/linalg/tridiagonalEigenvectors';
import { float32, gaussianMatrix, largestDifference, product, transposed, withEigenvalues } from './matrices';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const sizes = [1, 2, 3, 17, 18, 48, 49, 100, 200];
const spectra = (size: number): Record<string, number[]> => ({
  even: Array.from({ length: size }, (_, i) => 1 + i / size),
  'with condition 1e12': Array.from({ length: size }, (_, i) => 10 ** ((-12 * i) / Math.max(1, size - 1))),
  'in two clusters': Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 1 : 1e-3) * (1 + 1e-13 * i)),
  'of rank 1': Array.from({ length: size }, (_, i) => (i === 0 ? 1 : 0)),
  'with both signs': Array.from({ length: size }, (_, i) => (i - size / 3) / size),
  'of huge numbers': Array.from({ length: size }, (_, i) => 1e280 * (1 + i)),
  'of tiny numbers': Array.from({ length: size }, (_, i) => 1e-290 * (1 + i)),
});
const cases = sizes.flatMap((size) => Object.entries(spectra(size)).map(([kind, values]) => ({ size, kind, values })));

describe('symmetric eigenvalues', () => {
  test.each(cases)('of $size x $size $kind are right to the rounding of the largest', async ({ values, size }) => {
    const found = await engine.symmetricEigenvalues(withEigenvalues(values, size));
    const wanted = Float64Array.from(values).sort();
    const largest = Math.max(...values.map(Math.abs));
    expect(largestDifference(found, wanted) / largest).toBeLessThan(2e-14);
  });

  test.each([257, 700, 1100])('of %i rows and columns, reduced in several groups of panels, are right too', async (size) => {
    const values = Array.from({ length: size }, (_, i) => Math.cos(i) * 2 ** -(i % 30));
    const found = await engine.symmetricEigenvalues(withEigenvalues(values, 1));
    expect(largestDifference(found, Float64Array.from(values).sort())).toBeLessThan(2e-14);
  });

  test('of a diagonal matrix are its diagonal, of zeros zero, of nothing nothing', async () => {
    const diagonal = withEigenvalues([], 0);
    expect(await engine.symmetricEigenvalues(diagonal)).toHaveLength(0);
    const size = 40;
    const matrix = { rows: size, columns: size, data: new Float64Array(size * size) };
    expect([...(await engine.symmetricEigenvalues(matrix))]).toEqual(Array.from({ length: size }, () => 0));
    for (let i = 0; i < size; i++) matrix.data[i * size + i] = (i * 7) % size;
    expect(largestDifference(await engine.symmetricEigenvalues(matrix), Array.from({ length: size }, (_, i) => i))).toBeLessThan(1e-13);
  });

  test('are refused of a matrix that is not square or not finite', async () => {
    await expect(engine.symmetricEigenvalues(gaussianMatrix(2, 3, 1))).rejects.toThrow('An eigenvalue needs a square matrix, not 2 x 3.');
    await expect(engine.symmetricEigenvalues({ rows: 1, columns: 1, data: Float64Array.of(NaN) })).rejects.toThrow('element of NaN');
  });

  test('can be cancelled', async () => {
    const checkpoint = () => {
      throw new Error('cancelled');
    };
    await expect(engine.symmetricEigenvalues(withEigenvalues(Array.from({ length: 60 }, (_, i) => i), 1), { checkpoint })).rejects.toThrow('cancelled');
  });
});

test('QL finds the eigenvalues of a tridiagonal matrix that is already split', () => {
  const found = tridiagonalEigenvalues(Float64Array.of(2, 2, 5, 1), Float64Array.of(1, 0, 0, 0));
  expect(largestDifference(found, [1, 1, 3, 5])).toBeLessThan(1e-14);
});

describe('Cholesky', () => {
  test.each([1, 5, 48, 49, 96, 97, 150, 333])('factors %i x %i, and its log-determinant is the sum of logarithms of eigenvalues', async (size) => {
    const values = Array.from({ length: size }, (_, i) => 10 ** ((-6 * i) / size));
    const matrix = withEigenvalues(values, size);
    const { lower, logDeterminant } = await cholesky(engine, matrix);
    expect(largestDifference(product(lower, transposed(lower)).data, matrix.data)).toBeLessThan(1e-14);
    const wanted = values.reduce((sum, value) => sum + Math.log(value), 0);
    expect(Math.abs(logDeterminant - wanted)).toBeLessThan(1e-8 + 1e-9 * Math.abs(wanted));
    expect(await engine.choleskyLogDeterminant(matrix)).toBe(logDeterminant);
  });

  test('solves with the factor', async () => {
    const matrix = withEigenvalues(Array.from({ length: 130 }, (_, i) => 1 + i), 3);
    const factor = await cholesky(engine, matrix);
    const right = gaussianMatrix(130, 7, 4);
    const solved = await solveLower(engine, factor, right);
    expect(largestDifference(product(factor.lower, solved).data, right.data)).toBeLessThan(1e-13);
    const narrow = await solveLower(engine, toFloat32Factor(factor), float32(right));
    expect(narrow.data).toBeInstanceOf(Float32Array);
    expect(largestDifference(narrow.data, solved.data)).toBeLessThan(1e-5);
    await expect(solveLower(engine, factor, gaussianMatrix(7, 7, 1))).rejects.toThrow('A factor of 130 does not fit 7 rows.');
  });

  test('solves over several tiles in the precision of both', async () => {
    const matrix = withEigenvalues(Array.from({ length: 500 }, (_, i) => 1 + i / 100), 3);
    const factor = await cholesky(engine, matrix);
    expect(factor.leaves.size).toBeGreaterThan(2);
    const right = gaussianMatrix(500, 9, 4);
    const solved = await solveLower(engine, factor, right);
    expect(largestDifference(product(factor.lower, solved).data, right.data)).toBeLessThan(1e-13);
    const narrow = await solveLower(engine, toFloat32Factor(factor), float32(right));
    expect(narrow.data).toBeInstanceOf(Float32Array);
    expect(largestDifference(narrow.data, solved.data)).toBeLessThan(1e-4);
    expect((await solveLower(engine, factor, float32(right))).data).toBeInstanceOf(Float64Array);
  });

  test('names the pivot at which a matrix is not positive definite', async () => {
    const size = 120;
    const matrix = { rows: size, columns: size, data: new Float64Array(size * size) };
    for (let i = 0; i < size; i++) matrix.data[i * size + i] = i === 100 ? -2 : 1;
    await expect(engine.choleskyLogDeterminant(matrix)).rejects.toThrow('The matrix is not positive definite: pivot 100 is -2.');
    matrix.data[100 * size + 100] = NaN;
    await expect(engine.choleskyLogDeterminant(matrix)).rejects.toThrow('pivot 100 is NaN');
    await expect(engine.choleskyLogDeterminant(gaussianMatrix(2, 3, 1))).rejects.toThrow('A Cholesky factor needs a square matrix, not 2 x 3.');
  });
});

describe('eigenvectors', () => {
  test.each(cases.filter(({ size }) => size <= 100))('all of $size x $size $kind are orthonormal and give the matrix back', ({ values, size }) => {
    const matrix = withEigenvalues(values, size);
    const largest = Math.max(...values.map(Math.abs));
    // Squares of 1e280 overflow; all callers scale first, as the eigenvalues on the engine do.
    const scaled = { ...matrix, data: matrix.data.map((value) => value / largest) };
    const { values: found, vectors } = symmetricEigenvectors(scaled);
    const identity = Float64Array.from({ length: size * size }, (_, at) => Number(at % (size + 1) === 0));
    expect(largestDifference(product(vectors, transposed(vectors)).data, identity)).toBeLessThan(1e-13);
    const weighted = { ...vectors, data: vectors.data.map((value, at) => value * (found[Math.floor(at / size)] as number)) };
    expect(largestDifference(product(transposed(vectors), weighted).data, scaled.data)).toBeLessThan(2e-14);
    for (let i = 1; i < size; i++) expect(found[i - 1]).toBeGreaterThanOrEqual(found[i] as number);
  });

  test.each(Object.entries(spectra(240)).filter(([kind]) => !['of huge numbers', 'of tiny numbers', 'with both signs'].includes(kind)))(
    'the leading ones of a spectrum %s span what the full decomposition spans',
    async (_, values) => {
      const matrix = withEigenvalues(values, 9);
      const count = 20;
      const { values: found, vectors } = await leadingEigenvectors(engine, matrix, count);
      const wanted = [...values].sort((x, y) => y - x).slice(0, count);
      // Within a cluster any of its values may be found; the widest here spans 2.4e-11.
      expect(largestDifference(found, wanted)).toBeLessThan(1e-10);
      const image = product(vectors, matrix);
      const residual = image.data.map((value, at) => value - (found[Math.floor(at / 240)] as number) * (vectors.data[at] as number));
      expect(largestDifference(residual, new Float64Array(residual.length))).toBeLessThan(1e-8);
      const identity = Float64Array.from({ length: count * count }, (_unused, at) => Number(at % (count + 1) === 0));
      expect(largestDifference(product(vectors, transposed(vectors)).data, identity)).toBeLessThan(1e-12);
    },
  );

  test.each(Object.entries(spectra(300)).filter(([kind]) => !['of huge numbers', 'of tiny numbers', 'with both signs'].includes(kind)))(
    'the leading ones of a spectrum %s need no iteration on the matrix',
    async (_, values) => {
      // Only the iteration multiplies in float32.
      const wideOnly: Pick<Engine, 'gemm'> = {
        gemm(a, b, options) {
          if (a.data instanceof Float32Array) throw new Error('float32');
          return engine.gemm(a, b, options);
        },
      };
      const { vectors } = await leadingEigenvectors(wideOnly, withEigenvalues(values, 4), 40);
      const identity = Float64Array.from({ length: 1600 }, (_unused, at) => Number(at % 41 === 0));
      expect(largestDifference(product(vectors, transposed(vectors)).data, identity)).toBeLessThan(1e-12);
    },
  );

  test('of a tridiagonal matrix that splits into equal parts are orthonormal', () => {
    const diagonal = Float64Array.of(2, 2, 2, 2, 2, 2, 5);
    const offDiagonal = Float64Array.of(1, 0, 1, 0, 1, 0, 0);
    const vectors = tridiagonalEigenvectors({ diagonal, offDiagonal }, Float64Array.of(5, 3, 3, 3));
    const identity = Float64Array.from({ length: 16 }, (_, at) => Number(at % 5 === 0));
    expect(largestDifference(product(vectors, transposed(vectors)).data, identity)).toBeLessThan(1e-14);
    for (let i = 1; i < 4; i++) {
      for (const j of [0, 2, 4]) expect(vectors.data[i * 7 + j]).toBeCloseTo(vectors.data[i * 7 + j + 1] as number, 13);
      expect(vectors.data[i * 7 + 6]).toBeCloseTo(0, 13);
    }
  });

  test('are the same every time', async () => {
    const matrix = withEigenvalues(Array.from({ length: 200 }, (_, i) => 1 / (1 + i)), 5);
    const first = await leadingEigenvectors(engine, matrix, 10);
    expect([...(await leadingEigenvectors(engine, matrix, 10)).vectors.data]).toEqual([...first.vectors.data]);
  });

  test('cannot be more than the matrix has', async () => {
    await expect(leadingEigenvectors(engine, gaussianMatrix(2, 2, 1), 3)).rejects.toThrow('A matrix of 2 has no 3 leading eigenvectors.');
  });
});

describe('singular values', () => {
  const wanted = Array.from({ length: 30 }, (_, i) => 10 ** -Math.min(i, 14)).sort((x, y) => x - y);
  /** 70 x 30 with those singular values: eigenvectors of two random symmetric matrices around them. */
  function graded() {
    const left = symmetricEigenvectors(withEigenvalues(Array.from({ length: 70 }, (_, i) => i), 1)).vectors;
    const right = symmetricEigenvectors(withEigenvalues(Array.from({ length: 30 }, (_, i) => i), 2)).vectors;
    const scaled = { ...right, data: right.data.map((value, at) => value * (wanted[Math.floor(at / 30)] as number)) };
    return product(transposed({ rows: 30, columns: 70, data: left.data.slice(0, 30 * 70) }), scaled);
  }

  test.each(['tall', 'wide'])('of a %s matrix are found directly to the rounding of the largest', (shape) => {
    const matrix = shape === 'tall' ? graded() : transposed(graded());
    expect(largestDifference(singularValuesDirect(matrix), wanted)).toBeLessThan(5e-15);
  });

  test('from the Gram matrix come with a bound on their error that holds', async () => {
    for (const matrix of [graded(), transposed(graded())]) {
      const { values, errors } = await singularValuesFromGram(engine, matrix);
      expect(values).toHaveLength(30);
      for (const [i, value] of values.entries()) expect(Math.abs(value - (wanted[i] as number))).toBeLessThanOrEqual(errors[i] as number);
      expect(errors.at(-1)).toBeLessThan(1e-13);
    }
  });
});
