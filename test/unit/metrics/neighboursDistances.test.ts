import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type Matrix } from '../../../src/linalg';
import type { MeasureContext } from '../../../src/metrics';
import { distanceMatrix } from '../../../src/metrics/neighbours/distanceMatrix';
import { nearestNeighbours, squaredDistanceBlocks } from '../../../src/metrics/neighbours/pairwiseDistances';
import { SpanningTrees } from '../../../src/metrics/neighbours/spanningTree';
import { Random } from '../../../src/metrics/random';

let engine: Engine;
let context: MeasureContext;
beforeAll(async () => {
  engine = await createEngine();
  context = { engine, checkpoint: () => undefined };
});

function gaussianRows(rows: number, columns: number, seed: number): Matrix<Float64Array> {
  const random = new Random(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.gaussian()) };
}

function square({ columns, data }: Matrix, i: number, j: number): number {
  let sum = 0;
  for (let c = 0; c < columns; c++) sum += ((data[i * columns + c] as number) - (data[j * columns + c] as number)) ** 2;
  return sum;
}

async function allSquares(points: Matrix): Promise<Float64Array> {
  const all = new Float64Array(points.rows ** 2);
  const unit = await squaredDistanceBlocks(points, context, (first, rows, squared) => {
    expect(squared).toHaveLength(rows * points.rows);
    all.set(squared, first * points.rows);
  });
  return all.map((one) => one / unit.scale ** 2);
}

function worstRelativeError(points: Matrix, squares: Float64Array): number {
  let worst = 0;
  for (let i = 0; i < points.rows; i++) {
    for (let j = 0; j < points.rows; j++) {
      const exact = square(points, i, j);
      if (exact > 0) worst = Math.max(worst, Math.abs((squares[i * points.rows + j] as number) / exact - 1));
      else expect(squares[i * points.rows + j]).toBe(0);
    }
  }
  return worst;
}

/** Ten groups, a thousand times farther from each other than wide. */
function tightGroups(rows: number, columns: number): Matrix<Float64Array> {
  const points = gaussianRows(rows, columns, 3);
  const centres = gaussianRows(10, columns, 4);
  return { ...points, data: points.data.map((value, at) => (centres.data[(Math.floor(at / columns) % 10) * columns + (at % columns)] as number) + 1e-3 * value) };
}

/** Brute force: every distance from differences, sorted by distance and then by index. */
function naiveNeighbours(points: Matrix, row: number, count: number): number[] {
  const others = Array.from({ length: points.rows }, (_, index) => index).filter((index) => index !== row);
  return others.sort((a, b) => square(points, row, a) - square(points, row, b) || a - b).slice(0, count);
}

describe('squared distances', () => {
  test('agree with differences, are symmetric and zero on the diagonal, whatever the number of rows', async () => {
    for (const [n, d] of [[1, 3], [2, 1], [33, 5], [300, 40], [520, 7]] as const) {
      const points = gaussianRows(n, d, n);
      const squares = await allSquares(points);
      expect(worstRelativeError(points, squares)).toBeLessThan(2e-5);
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) if (squares[i * n + j] !== squares[j * n + i]) throw new Error(`${i} ${j}`);
    }
  });

  test('keep their digits far from the origin, in groups much tighter than their distance, and beside an outlier', async () => {
    const plain = gaussianRows(200, 16, 1);
    const far = { ...plain, data: plain.data.map((value) => value + 1e6) };
    const outlier = { ...plain, data: plain.data.map((value, at) => (at < 16 ? 1e7 : value)) };
    for (const points of [far, tightGroups(200, 16), outlier]) expect(worstRelativeError(points, await allSquares(points))).toBeLessThan(2e-4);
  });

  test('are the same at every scale, in float32 and float64', async () => {
    const points = gaussianRows(60, 8, 2);
    const wanted = await allSquares(points);
    for (const power of [-398, -130, 130, 398]) {
      const scaled = { ...points, data: points.data.map((value) => value * 2 ** power) };
      const found = await allSquares(scaled);
      for (const [at, one] of found.entries()) expect(Math.abs(one * 2 ** (-2 * power) - (wanted[at] as number))).toBeLessThanOrEqual(1e-6 * (wanted[at] as number));
    }
    const narrow = { ...points, data: Float32Array.from(points.data) };
    expect(worstRelativeError(narrow, await allSquares(narrow))).toBeLessThan(2e-5);
  });

  test('are computed once for all that ask for the same rows', async () => {
    let products = 0;
    const gemm: Engine['gemm'] = (...args) => {
      products += 1;
      return engine.gemm(...args);
    };
    const counting = { engine: Object.assign(Object.create(engine) as Engine, { gemm }), checkpoint: () => undefined };
    const points = gaussianRows(50, 4, 1);
    await squaredDistanceBlocks(points, counting, () => undefined);
    expect(products).toBe(1);
    await nearestNeighbours(points, 3, counting);
    await squaredDistanceBlocks(points, counting, () => undefined);
    expect(products).toBe(1);
  });

  test('end with what the checkpoint throws', async () => {
    const cancelled = { engine, checkpoint: () => { throw new Error('cancelled'); } };
    await expect(squaredDistanceBlocks(gaussianRows(20, 4, 1), cancelled, () => undefined)).rejects.toThrow('cancelled');
    await expect(nearestNeighbours(gaussianRows(20, 4, 1), 2, cancelled, { keep: false })).rejects.toThrow('cancelled');
  });
});

describe('nearest neighbours', () => {
  test('are those of brute force with all digits, kept or not, in easy and in hard data', async () => {
    const copies = gaussianRows(120, 6, 5);
    for (let row = 100; row < 120; row++) copies.data.set(copies.data.subarray((row - 100) * 6, (row - 99) * 6), row * 6);
    for (const points of [gaussianRows(300, 24, 1), tightGroups(250, 16), copies]) {
      for (const keep of [true, false]) {
        const { indices, squared, scale, count } = await nearestNeighbours(points, 4, context, { keep });
        expect(count).toBe(4);
        for (let row = 0; row < points.rows; row++) {
          const wanted = naiveNeighbours(points, row, 4);
          for (const [place, index] of wanted.entries()) {
            const exact = square(points, row, index);
            expect(Math.abs((squared[row * 4 + place] as number) / scale ** 2 - exact)).toBeLessThanOrEqual(1e-14 * exact);
          }
          expect(Array.from(indices.subarray(row * 4, row * 4 + 4)).map((index) => square(points, row, index))).toEqual(wanted.map((index) => square(points, row, index)));
        }
      }
    }
  });

  test('at equal distances are the ones with the smaller index', async () => {
    // The corners of a square, each twice: the copy first, then one of four at distance 1.
    const corners = [[0, 0], [1, 0], [0, 1], [1, 1]];
    const points = { rows: 8, columns: 2, data: Float64Array.from([...corners, ...corners].flat()) };
    const { indices } = await nearestNeighbours(points, 3, context);
    expect(Array.from(indices.subarray(0, 3))).toEqual([4, 1, 2]);
    expect(Array.from(indices.subarray(21, 24))).toEqual([3, 1, 2]);
  });

  test('of hundreds of equally near rows are found although no list of candidates holds them', async () => {
    // A simplex: all distances are equal.
    const n = 200;
    const points = { rows: n, columns: n, data: Float64Array.from({ length: n * n }, (_, at) => Number(Math.floor(at / n) === at % n)) };
    for (const keep of [true, false]) {
      const { indices, squared } = await nearestNeighbours(points, 2, context, { keep });
      expect(Array.from(indices.subarray(0, 4))).toEqual([1, 2, 0, 2]);
      expect(new Set(squared)).toEqual(new Set([2]));
    }
  });

  test('of queries are sought among the points, a query equal to a point finding it at no distance', async () => {
    const points = gaussianRows(150, 9, 1);
    const queries = gaussianRows(40, 9, 2);
    queries.data.set(points.data.subarray(7 * 9, 8 * 9), 0);
    const { indices, squared } = await nearestNeighbours(points, 3, context, { queries });
    expect(indices[0]).toBe(7);
    expect(squared[0]).toBe(0);
    const both = { rows: 190, columns: 9, data: Float64Array.of(...points.data, ...queries.data) };
    for (let row = 1; row < 40; row++) {
      const wanted = naiveNeighbours(both, 150 + row, 189).filter((index) => index < 150).slice(0, 3);
      expect(Array.from(indices.subarray(row * 3, row * 3 + 3))).toEqual(wanted);
    }
  });

  test('are refused where there are not so many rows, or where rows do not fit', async () => {
    await expect(nearestNeighbours(gaussianRows(3, 2, 1), 3, context)).rejects.toThrow(new RangeError('There are no 3 nearest neighbours among 2 rows.'));
    await expect(nearestNeighbours(gaussianRows(3, 2, 1), 1, context, { queries: gaussianRows(3, 4, 1) })).rejects.toThrow('Rows of 4 and of 2 numbers have no distance.');
  });
});

describe('spanning trees', () => {
  /** Kruskal's algorithm, on exact distances. */
  function kruskal(points: Matrix, subset: readonly number[]): number {
    const edges = subset.flatMap((i, place) => subset.slice(0, place).map((j) => ({ i, j, length: Math.sqrt(square(points, i, j)) })));
    edges.sort((a, b) => a.length - b.length);
    const root = new Map(subset.map((one) => [one, one]));
    const find = (one: number): number => (root.get(one) === one ? one : find(root.get(one) as number));
    let total = 0;
    for (const { i, j, length } of edges) {
      if (find(i) === find(j)) continue;
      root.set(find(i), find(j));
      total += length;
    }
    return total;
  }

  test('are as short as those of Kruskal, for all points and for subsets, in tight groups too', async () => {
    for (const points of [gaussianRows(150, 5, 1), tightGroups(150, 5)]) {
      const trees = new SpanningTrees(await distanceMatrix(points, context), context);
      for (const subset of [Array.from({ length: 150 }, (_, index) => index), [3, 9, 27, 81, 140], [5, 6], [11]]) {
        const length = trees.length(Int32Array.from(subset));
        expect(Math.abs(length - kruskal(points, subset))).toBeLessThanOrEqual(1e-9 * length);
      }
    }
  });

  test('of a grid have the length of its steps', async () => {
    const points = { rows: 100, columns: 2, data: Float64Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? Math.floor(at / 20) : Math.floor(at / 2) % 10) * 3) };
    const trees = new SpanningTrees(await distanceMatrix(points, context), context);
    expect(trees.length(Int32Array.from({ length: 100 }, (_, index) => index))).toBeCloseTo(99 * 3, 12);
  });
});
