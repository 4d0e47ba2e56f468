import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, EngineUnavailable } from '../../../src/linalg';
import { OnnxRuntimeEngine } from '../../../src/linalg/onnxRuntimeEngine';
import { float32, gaussianMatrix, largestDifference, product, transposed } from './matrices';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine('onnxruntime');
});

const a = gaussianMatrix(17, 29, 1);
const b = gaussianMatrix(29, 11, 2);
const ab = product(a, b);

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

  test('scales, and adds a scaled matrix', async () => {
    const addend = gaussianMatrix(17, 11, 3);
    const result = await engine.gemm(a, b, { scale: -2, addend, addendScale: 0.5 });
    const wanted = ab.data.map((value, i) => -2 * value + 0.5 * (addend.data[i] as number));
    expect(largestDifference(result.data, wanted)).toBeLessThan(1e-13);
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

describe('an engine that cannot be used', () => {
  test('says why its native library did not load', async () => {
    const importRuntime = () => Promise.reject(new Error('libonnxruntime.so.1: cannot open shared object file\nat dlopen'));
    const failure = await OnnxRuntimeEngine.load({ threads: 1, importRuntime }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnavailable);
    expect((failure as EngineUnavailable).engine).toBe('onnxruntime');
    expect((failure as EngineUnavailable).reason).toBe(
      `onnxruntime-node does not load on ${process.platform}-${process.arch}: libonnxruntime.so.1: cannot open shared object file`,
    );
  });

  test('is named when there is none of that name', async () => {
    await expect(createEngine('abacus' as 'auto')).rejects.toThrow('The abacus engine cannot be used: there is no engine of this name.');
    await expect(createEngine('auto', { threads: 0 })).rejects.toThrow('An engine needs a whole number of threads of at least 1, not 0.');
  });
});

test('reports its version and the time spent in products', async () => {
  expect(engine.version).toMatch(/^\d+\.\d+\.\d+/);
  const before = (engine as OnnxRuntimeEngine).productMilliseconds;
  await engine.gemm(a, b);
  expect((engine as OnnxRuntimeEngine).productMilliseconds).toBeGreaterThan(before);
});
