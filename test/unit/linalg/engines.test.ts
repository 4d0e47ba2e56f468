import { beforeAll, describe, expect, test, vi } from 'vitest';
import { createEngine, type Engine, engineOrder } from '../../../src/linalg';
import type { DenseEngine } from '../../../src/linalg/denseEngine';
import { float32, gaussianMatrix, largestDifference, product, transposed, withEigenvalues } from './matrices';
import { tensorFlowIsInstalled, withTensorFlow } from './tensorFlow';

// One meaning, three libraries: float64 to its last digits (1e-13 of terms of size 1), float32 to 1e-4, eigenvalues to 1e-13 of the largest.

const a = gaussianMatrix(17, 29, 1);
const b = gaussianMatrix(29, 11, 2);
const ab = product(a, b);

const names = engineOrder.filter((name) => name !== 'tensorflow' || tensorFlowIsInstalled);

describe.each(names)('%s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine(name, withTensorFlow);
  });

  describe('gemm', () => {
    test.each([
      ['A B', a, b, {}],
      ["A' B", transposed(a), b, { transposeA: true }],
      ["A B'", a, transposed(b), { transposeB: true }],
      ["A' B'", transposed(a), transposed(b), { transposeA: true, transposeB: true }],
    ])('multiplies %s in float64 to its last digits', async (_, left, right, options) => {
      const result = await engine.gemm(left, right, options);
      expect([result.rows, result.columns]).toEqual([17, 11]);
      expect(result.data).toBeInstanceOf(Float64Array);
      expect(largestDifference(result.data, ab.data)).toBeLessThan(1e-13);
    });

    test('multiplies float32 in float32 and mixed operands in float64', async () => {
      const narrow = await engine.gemm(float32(a), float32(b));
      expect(narrow.data).toBeInstanceOf(Float32Array);
      expect(largestDifference(narrow.data, ab.data)).toBeLessThan(1e-4);
      expect(largestDifference(narrow.data, ab.data)).toBeGreaterThan(1e-9);
      expect((await engine.gemm(float32(a), b)).data).toBeInstanceOf(Float64Array);
    });

    // Powers of two are exact in float32, a third is not.
    test.each([[-2, 0.5], [1 / 3, -0.7]])('scales by %d, and adds a matrix scaled by %d', async (scale, addendScale) => {
      const addend = gaussianMatrix(17, 11, 3);
      const wanted = ab.data.map((value, i) => scale * value + addendScale * (addend.data[i] as number));
      expect(largestDifference((await engine.gemm(a, b, { scale, addend, addendScale })).data, wanted)).toBeLessThan(1e-13);
      const narrow = await engine.gemm(float32(a), float32(b), { scale, addend: float32(addend), addendScale });
      expect(largestDifference(narrow.data, wanted)).toBeLessThan(1e-4);
    });

    test('writes into given storage', async () => {
      const into = new Float64Array(17 * 11);
      const result = await engine.gemm(a, b, { into });
      expect(result.data).toBe(into);
      expect(largestDifference(into, ab.data)).toBeLessThan(1e-13);
      await expect(engine.gemm(a, b, { into: new Float64Array(5) })).rejects.toThrow('A product of 17 x 11 in float64 does not fit into Float64Array(5).');
    });

    test('cuts a large product into pieces between which it can be cancelled', async () => {
      const [left, right] = [float32(gaussianMatrix(4100, 700, 4)), float32(gaussianMatrix(700, 700, 5))];
      const whole = await engine.gemm(left, right);
      const row = { rows: 1, columns: 700, data: left.data.subarray(4099 * 700) };
      expect(largestDifference(whole.data.subarray(4099 * 700), product(row, right).data)).toBeLessThan(1e-3);
      let calls = 0;
      const checkpoint = () => {
        calls += 1;
        if (calls === 2) throw new Error('cancelled');
      };
      await expect(engine.gemm(left, right, { checkpoint })).rejects.toThrow('cancelled');
    });

    test('sums a large product of a transposed matrix in pieces between which it can be cancelled', async () => {
      const [left, right] = [gaussianMatrix(9000, 420, 4), gaussianMatrix(9000, 420, 5)];
      const addend = gaussianMatrix(420, 420, 6);
      const checkpoint = vi.fn();
      const whole = await engine.gemm(left, right, { transposeA: true, addend, addendScale: 2, checkpoint });
      expect(checkpoint.mock.calls.length).toBeGreaterThan(1);
      const column = { rows: 1, columns: 9000, data: Float64Array.from({ length: 9000 }, (_, i) => left.data[i * 420 + 7] as number) };
      const wanted = product(column, right).data.map((value, j) => value + 2 * (addend.data[7 * 420 + j] as number));
      expect(largestDifference(whole.data.subarray(7 * 420, 8 * 420), wanted)).toBeLessThan(1e-10);
    });

    test('names shapes that do not fit', async () => {
      await expect(engine.gemm(a, a)).rejects.toThrow('No product of 17 x 29 and 17 x 29.');
      await expect(engine.gemm(a, b, { addend: a })).rejects.toThrow('No product of 17 x 29 and 29 x 11 plus 17 x 29.');
    });

    test('has an empty result for empty operands, and the addend alone for an empty sum', async () => {
      const nothing = { rows: 0, columns: 29, data: new Float64Array(0) };
      expect((await engine.gemm(nothing, b)).data).toHaveLength(0);
      const hollow = await engine.gemm(
        { rows: 1, columns: 0, data: new Float64Array(0) },
        { rows: 0, columns: 1, data: new Float64Array(0) },
        { addend: { rows: 1, columns: 1, data: Float64Array.of(3) }, addendScale: 2 },
      );
      expect([...hollow.data]).toEqual([6]);
    });
  });

  test('exponentials are those of each element, in its precision, in place if wanted', async () => {
    const values = { rows: 2, columns: 3, data: Float64Array.of(0, 1, -1, -50, -Infinity, 3.5) };
    expect(largestDifference((await engine.exponentials(values)).data, values.data.map(Math.exp))).toBeLessThan(1e-14);
    const narrow = float32(values);
    const result = await engine.exponentials(narrow, narrow.data);
    expect(result.data).toBe(narrow.data);
    expect(largestDifference(narrow.data, values.data.map(Math.exp))).toBeLessThan(1e-5);
    expect((await engine.exponentials({ rows: 0, columns: 3, data: new Float32Array(0) })).data).toHaveLength(0);
  });

  describe('gram', () => {
    test.each([
      ['columns', 50, 401],
      ['rows', 401, 50],
      ['columns', 4500, 10],
      ['rows', 10, 4500],
    ] as const)('of %s of a %i x %i float32 matrix is exact to float64', async (side, rows, columns) => {
      const z = float32(gaussianMatrix(rows, columns, 6));
      const wanted = side === 'columns' ? product(transposed(z), z) : product(z, transposed(z));
      const result = await engine.gram(z, side);
      expect(largestDifference(result.data, wanted.data)).toBeLessThan(1e-10);
      expect(result.rows).toBe(result.columns);
    });

    test.each([
      ['columns', 151, 21],
      ['columns', 700, 3],
      ['rows', 21, 151],
    ] as const)('of %s of a %i x %i matrix whose columns are shifted is that of the shifted matrix', async (side, rows, columns) => {
      const matrix = gaussianMatrix(rows, columns, 9);
      const [first, rest, factor] = [10, 11, 12].map((seed) => gaussianMatrix(1, columns, seed).data) as [Float64Array, Float64Array, Float64Array];
      for (const z of [matrix, float32(matrix)]) {
        for (const shift of [{ scale: 4, first, rest, factor }, { scale: 1, first, rest: null, factor: null }]) {
          const x = { ...z, data: Float64Array.from(z.data, (value, at) => {
            const j = at % columns;
            return (value * shift.scale - (first[j] as number) - (shift.rest?.[j] ?? 0)) * (shift.factor?.[j] ?? 1);
          }) };
          const wanted = side === 'columns' ? product(transposed(x), x) : product(x, transposed(x));
          expect(largestDifference((await engine.gram(z, side, { shift })).data, wanted.data)).toBeLessThan(1e-9);
        }
      }
    });
  });

  test('squared distances are those between rows, never negative', async () => {
    const points = gaussianMatrix(6, 4, 7);
    const distances = await engine.squaredDistances(points, float32(points));
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j < 6; j++) {
        let wanted = 0;
        for (let k = 0; k < 4; k++) wanted += ((points.data[i * 4 + k] as number) - Math.fround(points.data[j * 4 + k] as number)) ** 2;
        expect(distances.data[i * 6 + j]).toBeCloseTo(wanted, 12);
        expect(distances.data[i * 6 + j]).toBeGreaterThanOrEqual(0);
      }
    }
    await expect(engine.squaredDistances(points, a)).rejects.toThrow('Rows of 4 and of 29 numbers have no distance.');
  });

  test('the Cholesky log-determinant is that of the eigenvalues, and a matrix without one names the pivot', async () => {
    for (const size of [1, 5, 130]) {
      const values = Array.from({ length: size }, (_, i) => 10 ** ((6 * i) / size - 3));
      const wanted = values.reduce((sum, value) => sum + Math.log(value), 0);
      expect(Math.abs((await engine.choleskyLogDeterminant(withEigenvalues(values, 8))) - wanted)).toBeLessThan(1e-9 * size);
    }
    const indefinite = withEigenvalues([2, 1, -1], 8);
    await expect(engine.choleskyLogDeterminant(indefinite)).rejects.toThrow(/The matrix is not positive definite: pivot \d is -/);
    await expect(engine.choleskyLogDeterminant(gaussianMatrix(2, 3, 1))).rejects.toThrow(RangeError);
  });

  test.each([
    ['spread over twelve decades', Array.from({ length: 90 }, (_, i) => 10 ** ((12 * i) / 89 - 12))],
    ['in clusters', Array.from({ length: 90 }, (_, i) => 1 + Math.floor(i / 30))],
    ['mostly zero', Array.from({ length: 90 }, (_, i) => (i < 80 ? 0 : i))],
    ['of both signs', Array.from({ length: 90 }, (_, i) => i - 45)],
  ])('eigenvalues %s have errors of rounding of the largest', async (_, values) => {
    const computed = await engine.symmetricEigenvalues(withEigenvalues(values, 9));
    const largest = Math.max(...values.map(Math.abs));
    expect(largestDifference(computed, Float64Array.from(values).sort())).toBeLessThan(1e-13 * largest);
  });

  test('a matrix with an element that is no number has no eigenvalues, and one that is not square has none either', async () => {
    const matrix = withEigenvalues([1, 2, 3], 10);
    matrix.data[4] = NaN;
    await expect(engine.symmetricEigenvalues(matrix)).rejects.toThrow('NaN');
    await expect(engine.symmetricEigenvalues(gaussianMatrix(2, 3, 1))).rejects.toThrow(RangeError);
  });

  test('works for several callers at once', async () => {
    const results = await Promise.all([1, 2, 3, 4].map((scale) => engine.gemm(a, b, { scale })));
    for (const [i, { data }] of results.entries()) expect(largestDifference(data, ab.data.map((value) => (i + 1) * value))).toBeLessThan(1e-12);
  });

  test('reports its name, its version and the time spent in its library', async () => {
    expect(engine.name).toBe(name);
    expect(engine.version).toMatch(/^\d+\.\d+\.\d+/);
    const before = (engine as DenseEngine).productMilliseconds;
    await engine.gemm(a, b);
    expect((engine as DenseEngine).productMilliseconds).toBeGreaterThan(before);
  });
});
