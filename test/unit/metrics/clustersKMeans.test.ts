import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine, type Matrix } from '../../../src/linalg';
import { centredRows } from '../../../src/metrics/clusters/centredRows';
import { type Clustering, kMeans, type KMeansOptions } from '../../../src/metrics/clusters/kMeans';
import { adjustedMutualInformation } from '../../../src/metrics/clusters/mutualInformation';
import { reducedRows } from '../../../src/metrics/clusters/reducedRows';
import { startingCentroids } from '../../../src/metrics/clusters/starts';
import { Random } from '../../../src/metrics/random';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});

const nothing = () => undefined;
const run = (points: Matrix, options: KMeansOptions, on: Engine = engine) => kMeans(points, options, { engine: on, checkpoint: nothing });
const matrix = (rows: readonly (readonly number[])[]): Matrix => ({ rows: rows.length, columns: rows[0]?.length ?? 0, data: Float64Array.from(rows.flat()) });
const copy = (points: Matrix): Matrix => ({ ...points, data: points.data.slice() });
const labelsOf = (found: readonly Clustering[]) => found.map(({ labels }) => Array.from(labels));

/** Gaussian clouds around `centers` Gaussian points, in a spectrum that decays. */
function clouds(rows: number, columns: number, centers: number, spread: number, seed: number): Matrix {
  const random = new Random(seed);
  const middle = Float64Array.from({ length: centers * columns }, () => random.gaussian());
  const data = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const center = random.below(centers) * columns;
    for (let j = 0; j < columns; j++) data[row * columns + j] = ((middle[center + j] as number) + spread * random.gaussian()) * (j + 1) ** -0.4 + 3;
  }
  return { rows, columns, data };
}

/** An engine whose products are off by `share` of what any order of summation may make them, at random. */
function perturbed(exact: Engine, share: number, seed: number): Engine {
  const random = new Random(seed);
  const lengths = ({ rows, columns, data }: Matrix) =>
    Float64Array.from({ length: rows }, (_, i) => Math.hypot(...data.subarray(i * columns, (i + 1) * columns)));
  const turned = ({ rows, columns, data }: Matrix): Matrix => ({
    rows: columns, columns: rows, data: Float64Array.from({ length: data.length }, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number),
  });
  const gemm: Engine['gemm'] = async (a, b, options = {}) => {
    const product = await exact.gemm(a, b, options);
    const unit = share * (options.transposeA ? a.rows : a.columns) * (product.data instanceof Float32Array ? 2 ** -24 : 2 ** -53);
    const left = lengths(options.transposeA ? turned(a) : a);
    const right = lengths(options.transposeB ? b : turned(b));
    for (let i = 0; i < product.rows; i++) {
      for (let j = 0; j < product.columns; j++) {
        const at = i * product.columns + j;
        const off = unit * (left[i] as number) * (right[j] as number) * ((2 * random.next32()) / 2 ** 32 - 1);
        product.data[at] = (product.data[at] as number) + off;
      }
    }
    return product;
  };
  return new Proxy(exact, { get: (target, name) => (name === 'gemm' ? gemm : Reflect.get(target, name)) as unknown });
}

/** Lloyd's iterations as they are defined: every distance in every iteration, in plain loops. */
function lloyd({ rows, columns, data }: Matrix, centroids: Float64Array, clusters: number): { labels: number[]; explained: number; iterations: number } {
  const labels = new Array<number>(rows).fill(-1);
  for (let iteration = 1; ; iteration++) {
    let moved = false;
    for (let row = 0; row < rows; row++) {
      let least = Infinity;
      let nearest = -1;
      for (let cluster = 0; cluster < clusters; cluster++) {
        let sum = 0;
        for (let j = 0; j < columns; j++) sum += ((data[row * columns + j] as number) - (centroids[cluster * columns + j] as number)) ** 2;
        if (sum < least) [least, nearest] = [sum, cluster];
      }
      moved ||= labels[row] !== nearest;
      labels[row] = nearest;
    }
    centroids.fill(0);
    const sizes = new Int32Array(clusters);
    for (const [row, label] of labels.entries()) {
      sizes[label] = (sizes[label] as number) + 1;
      for (let j = 0; j < columns; j++) centroids[label * columns + j] = (centroids[label * columns + j] as number) + (data[row * columns + j] as number);
    }
    let explained = 0;
    for (let i = 0; i < centroids.length; i++) {
      const size = sizes[Math.floor(i / columns)] as number;
      centroids[i] = (centroids[i] as number) / size;
      explained += size * (centroids[i] as number) ** 2;
    }
    if (!moved) return { labels, explained, iterations: iteration };
  }
}

describe('labels', () => {
  // Wide enough for rows to be followed one by one, and more rows than starts are looked for in.
  const wide = clouds(1400, 112, 4, 3, 1);
  const narrow = clouds(1400, 24, 6, 1.2, 2);

  test.each([['wide', wide], ['narrow', narrow]])('of %s rows are those of plain iterations from the same starts', async (_, points) => {
    const [found] = await run(points, { clusters: 9, seeds: [5], restarts: 3 });
    const rows = centredRows(points, { checkpoint: nothing });
    const reduced = await reducedRows(rows, { engine, checkpoint: nothing });
    const plain = [0, 1, 2].map((restart) => lloyd(rows.exact, startingCentroids(rows.exact, reduced, 9, 5, restart, nothing).data, 9));
    const best = plain.reduce((kept, one) => (one.explained > kept.explained ? one : kept));
    expect(Array.from(found?.labels ?? [])).toEqual(best.labels);
    expect(found).toMatchObject({ seed: 5, converged: true, iterations: best.iterations });
    expect(best.iterations).toBeGreaterThan(5);
  });

  test.each([['wide', wide], ['narrow', narrow]])('of %s rows do not depend on the rounding of the engine', async (_, points) => {
    const options = { clusters: 9, seeds: [0, 1], restarts: 3 };
    const wanted = labelsOf(await run(copy(points), options));
    for (const [share, seed] of [[1, 1], [1, 2], [0.01, 3]] as const) {
      expect(labelsOf(await run(copy(points), options, perturbed(engine, share, seed)))).toEqual(wanted);
    }
  });

  test('do depend on an engine that is wrong by more, so that the test before this one can fail', async () => {
    const options = { clusters: 9, seeds: [0, 1], restarts: 3 };
    const wanted = labelsOf(await run(copy(wide), options));
    expect(labelsOf(await run(copy(wide), options, perturbed(engine, 1e4, 1)))).not.toEqual(wanted);
  });

  test('do not depend on the threads of the engine', async () => {
    const options = { clusters: 9, seeds: [0, 1], restarts: 3 };
    const wanted = labelsOf(await run(copy(wide), options));
    expect(labelsOf(await run(copy(wide), options, await createEngine('auto', { threads: 2 })))).toEqual(wanted);
  });

  test('are the same on WebAssembly', async () => {
    const options = { clusters: 9, seeds: [0, 1], restarts: 2 };
    const wanted = labelsOf(await run(copy(wide), options));
    expect(labelsOf(await run(copy(wide), options, await createEngine('wasm')))).toEqual(wanted);
  });

  test('of a seed do not depend on the other seeds', async () => {
    const [first, second] = await run(copy(wide), { clusters: 7, seeds: [3, 8] });
    expect(labelsOf(await run(copy(wide), { clusters: 7, seeds: [8] }))).toEqual([Array.from(second?.labels ?? [])]);
    expect(Array.from(first?.labels ?? [])).not.toEqual(Array.from(second?.labels ?? []));
  });

  test('are the same for float32 and float64, and for rows a power of two as long', async () => {
    const options = { clusters: 8, seeds: [1] };
    const float32 = { ...wide, data: Float32Array.from(wide.data) };
    const wanted = labelsOf(await run(float32, options));
    for (const factor of [1, 2 ** 40, 2 ** -300, 2 ** 390]) {
      expect(labelsOf(await run({ ...wide, data: Float64Array.from(float32.data, (value) => value * factor) }, options))).toEqual(wanted);
    }
  });

  test('agree when rows are turned, moved and put in another order, where clusters are clear', async () => {
    const clear = clouds(600, 40, 8, 0.1, 4);
    const [wanted] = await run(clear, { clusters: 8, seeds: [0] });
    const order = Array.from({ length: 600 }, (_, i) => (i * 7) % 600);
    const turned = Float64Array.from({ length: clear.data.length }, (_, at) => 5 - (clear.data[(order[Math.floor(at / 40)] as number) * 40 + (39 - (at % 40))] as number));
    const [found] = await run({ ...clear, data: turned }, { clusters: 8, seeds: [0] });
    expect(adjustedMutualInformation(order.map((row) => wanted?.labels[row] as number), found?.labels ?? [])).toBe(1);
    expect((found?.inertia as number) / (wanted?.inertia as number)).toBeCloseTo(1, 9);
  });
});

describe('clusters', () => {
  test('by hand: two pairs on a line', async () => {
    const [found] = await run(matrix([[0], [1], [10], [11]]), { clusters: 2, seeds: [0] });
    expect(found?.labels[0]).toBe(found?.labels[1]);
    expect(found?.labels[2]).toBe(found?.labels[3]);
    expect(found?.labels[0]).not.toBe(found?.labels[2]);
    expect(found?.inertia).toBeCloseTo(1, 12);
    expect(Array.from(found?.sizes ?? [])).toEqual([2, 2]);
  });

  test('are found by every seed when they are clear, with a hundred rows and with two thousand', async () => {
    for (const rows of [100, 2000]) {
      const found = await run(clouds(rows, 120, 10, 0.3, 9), { clusters: 10, seeds: [0, 1, 2, 3, 4] });
      for (const { labels } of found) expect(adjustedMutualInformation(labels, found[0]?.labels ?? [])).toBe(1);
    }
  });

  test('stay empty where there are no more distinct rows, and only there', async () => {
    const distinct = [[0, 0], [0, 1], [5, 5], [9, 1]];
    const repeated = matrix(Array.from({ length: 40 }, (_, row) => distinct[row % 4] as number[]));
    for (const clusters of [3, 4, 7]) {
      const [found] = await run(repeated, { clusters, seeds: [0] });
      expect(found?.sizes.filter((size) => size > 0)).toHaveLength(Math.min(4, clusters));
      expect(found?.converged).toBe(true);
      if (clusters >= 4) expect(found?.inertia).toBe(0);
    }
  });

  test('of as many rows as clusters are one row each', async () => {
    const [found] = await run(clouds(30, 5, 3, 1, 1), { clusters: 30, seeds: [0] });
    expect(Array.from(found?.sizes ?? [])).toEqual(new Array(30).fill(1));
    expect(found?.inertia).toBeCloseTo(0, 12);
  });

  test('of rows that are all the same are one', async () => {
    const [found] = await run(matrix(new Array(20).fill([0.1, 1 / 3])), { clusters: 3, seeds: [0] });
    expect(Array.from(found?.sizes ?? []).sort()).toEqual([0, 0, 20]);
    expect(found?.inertia).toBe(0);
  });

  test('of one far row and a cloud still divide the cloud', async () => {
    const points = clouds(400, 100, 4, 0.2, 3);
    points.data.fill(1e5, 0, 100);
    const [found] = await run(points, { clusters: 5, seeds: [0] });
    const rest = Array.from(found?.labels ?? []).slice(1);
    expect(rest).not.toContain(found?.labels[0]);
    expect(new Set(rest).size).toBe(4);
    const [alone] = await run({ rows: 399, columns: 100, data: points.data.slice(100) }, { clusters: 4, seeds: [0] });
    expect(adjustedMutualInformation(rest, alone?.labels ?? [])).toBe(1);
  });
});

test('inertia is the sum of squared distances to the means, also where it is a millionth of what the rows have', async () => {
  for (const spread of [1, 1e-5]) {
    const points = clouds(300, 6, 3, spread, 5);
    const [found] = await run(points, { clusters: 3, seeds: [0] });
    let total = 0;
    for (let cluster = 0; cluster < 3; cluster++) {
      const rows = [...(found?.labels ?? [])].flatMap((label, row) => (label === cluster ? [row] : []));
      for (let j = 0; j < 6; j++) {
        const values = rows.map((row) => points.data[row * 6 + j] as number);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        total += values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      }
    }
    expect((found?.inertia as number) / total).toBeCloseTo(1, 8);
  }
});

test('options out of range are refused by name', async () => {
  const points = clouds(10, 2, 2, 1, 1);
  await expect(run(points, { clusters: 11, seeds: [0] })).rejects.toThrow('10 rows cannot be put into 11 clusters.');
  await expect(run(points, { clusters: 0, seeds: [0] })).rejects.toThrow('10 rows cannot be put into 0 clusters.');
  await expect(run(points, { clusters: 2, seeds: [0], restarts: 0 })).rejects.toThrow('The restarts of k-means must be a whole number of at least 1, not 0.');
  await expect(run(points, { clusters: 2, seeds: [0], iterations: 1.5 })).rejects.toThrow('The iterations of k-means must be a whole number of at least 1, not 1.5.');
});

test('a limit of iterations ends it, and it says so', async () => {
  const [found] = await run(clouds(1400, 30, 1, 1, 2), { clusters: 9, seeds: [0], restarts: 1, iterations: 2 });
  expect(found).toMatchObject({ iterations: 2, converged: false });
});

test('cancelled at any point, it ends with what the checkpoint throws, and the next time gives the whole result', async () => {
  const points = clouds(700, 100, 5, 1, 6);
  const wanted = labelsOf(await run(copy(points), { clusters: 6, seeds: [0] }));
  const calls = { made: 0 };
  await kMeans(copy(points), { clusters: 6, seeds: [0] }, { engine, checkpoint: () => void (calls.made += 1) });
  for (const at of [1, 4, Math.floor(calls.made / 2), calls.made]) {
    const again = copy(points);
    let left = at;
    const checkpoint = () => {
      left -= 1;
      if (left === 0) throw new Error('cancelled');
    };
    await expect(kMeans(again, { clusters: 6, seeds: [0] }, { engine, checkpoint })).rejects.toThrow('cancelled');
    expect(labelsOf(await run(again, { clusters: 6, seeds: [0] }))).toEqual(wanted);
  }
});
