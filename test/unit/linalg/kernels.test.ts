import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { reduceToBand } from '../../../src/linalg/bandReduction';
import { bandToTridiagonal } from '../../../src/linalg/bandToTridiagonal';
import { createEngine, type Engine } from '../../../src/linalg';
import { kernels, layOut } from '../../../src/linalg/kernels';
import { transpose } from '../../../src/linalg/matrix';
import { RowBlock } from '../../../src/linalg/rowBlock';
import { tridiagonalEigenvalues } from '../../../src/linalg/tridiagonal';
import { float32, gaussianMatrix, largestDifference, product, transposed } from './matrices';

const root = path.resolve(import.meta.dirname, '../../..');

test('the committed binary is what the compiler makes of the sources', () => {
  const script = "import('./scripts/kernels.mjs').then(async ({ buildKernels }) => process.stdout.write(await buildKernels()))";
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(stdout).toBe(readFileSync(path.join(root, 'src', 'linalg', 'kernelsBinary.ts'), 'utf8').replaceAll('\r\n', '\n'));
});

test('blocks of the kernels\' memory do not overlap, and it grows with what is asked for', () => {
  const small = layOut(3, 0, 9);
  expect(small.map(({ length }) => length)).toEqual([3, 0, 9]);
  const large = layOut(1_000_000, 5);
  large[0].fill(1);
  large[1].fill(2);
  expect(large[0].every((value) => value === 1)).toBe(true);
  expect(large[0].byteOffset % 64).toBe(0);
  expect(large[1].byteOffset).toBeGreaterThanOrEqual(large[0].byteOffset + 8_000_000);
});

test.each([[1, 1], [3, 5], [8, 768], [7, 33], [48, 10]])('the small Gram matrix of %i rows of %i numbers is that of its definition, and one on the diagonal more', (rows, columns) => {
  const x = gaussianMatrix(rows, columns, 21);
  const block = new RowBlock(x, [rows * rows], rows);
  const [gram] = block.vectors as [Float64Array];
  block.load(0, rows);
  kernels().shiftedGram(block.address, rows, columns, 0.25, gram.byteOffset);
  const wanted = product(x, transposed(x)).data;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j <= i; j++) expect(gram[i * rows + j]).toBeCloseTo(0.25 * (wanted[i * rows + j] as number) + Number(i === j), 9);
  }
});

test.each([1, 3, 4, 10])('squares of %i columns of float32 are added up in float64', (columns) => {
  const x = float32(gaussianMatrix(9, columns, 22));
  const [sums, room] = layOut(columns, 9 * columns);
  sums.fill(1);
  new Float32Array(room.buffer, room.byteOffset, x.data.length).set(x.data);
  kernels().addNarrowSquares(sums.byteOffset, room.byteOffset, 9, columns);
  const wanted = Float64Array.from({ length: columns }, (_, j) => 1 + x.data.reduce((sum, value, at) => sum + (at % columns === j ? value * value : 0), 0));
  expect(largestDifference(sums, wanted)).toBeLessThan(1e-12);
});

test.each([[1, 1], [3, 70], [64, 32], [65, 33], [200, 7]])('the transpose of %i x %i is that of its definition in every mix of precisions', (rows, columns) => {
  const wide = gaussianMatrix(rows, columns, 23);
  for (const x of [wide, float32(wide)]) {
    expect([...transpose(x).data]).toEqual([...transposed(x).data]);
    const narrow = transpose(x, { rows: columns, columns: rows, data: new Float32Array(rows * columns) });
    expect([...narrow.data]).toEqual([...transposed(float32(wide)).data]);
  }
});

describe('the two halves of the reduction to tridiagonal form', () => {
  const size = 75;
  const x = gaussianMatrix(size, size, 11);
  const mirrored = transposed(x).data;
  const symmetric = () => ({ ...x, data: x.data.map((value, at) => value + (mirrored[at] as number)) });
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  test.each([1, 2, 3, 5, 8, 31, 32, 73, 74, 80])('keep the eigenvalues at bandwidth %i', async (bandwidth) => {
    const wanted = await engine.symmetricEigenvalues(symmetric());
    const { band } = await reduceToBand(engine, symmetric(), bandwidth, {});
    for (let j = 0; j < size; j++) for (let i = bandwidth + 1; i < band.stride; i++) expect(band.data[j * band.stride + i]).toBe(0);
    const { diagonal, offDiagonal } = bandToTridiagonal(band);
    expect(largestDifference(tridiagonalEigenvalues(diagonal, offDiagonal), wanted)).toBeLessThan(1e-12);
  });

  test('leave the first coordinate where it is', async () => {
    const matrix = symmetric();
    const { band } = await reduceToBand(engine, symmetric(), 8, {});
    const { diagonal, offDiagonal } = bandToTridiagonal(band);
    expect(diagonal[0]).toBe(matrix.data[0]);
    expect(Math.abs(offDiagonal[0] as number)).toBeCloseTo(Math.hypot(...matrix.data.subarray(1, size)), 10);
    expect(offDiagonal[size - 1]).toBe(0);
  });

  test('can be stopped while bulges are chased and while eigenvalues are found', async () => {
    const { band } = await reduceToBand(engine, symmetric(), 8, {});
    const stop = () => {
      throw new Error('cancelled');
    };
    expect(() => bandToTridiagonal(band, stop)).toThrow('cancelled');
    const { diagonal, offDiagonal } = bandToTridiagonal(band);
    expect(() => tridiagonalEigenvalues(diagonal, offDiagonal, undefined, stop)).toThrow('cancelled');
    const [first] = tridiagonalEigenvalues(diagonal, offDiagonal);
    expect(tridiagonalEigenvalues(diagonal, offDiagonal)[0]).toBe(first);
  });
});

describe('eigenvalues of tridiagonal matrices', () => {
  test('of the second difference are known', () => {
    const size = 1500;
    const found = tridiagonalEigenvalues(new Float64Array(size).fill(2), new Float64Array(size).fill(-1));
    const wanted = Float64Array.from({ length: size }, (_, i) => 4 * Math.sin(((i + 1) * Math.PI) / (2 * (size + 1))) ** 2);
    expect(largestDifference(found, wanted)).toBeLessThan(2e-14);
  });

  test('that agree to the last digits are both found (Wilkinson)', () => {
    const found = tridiagonalEigenvalues(Float64Array.from({ length: 21 }, (_, i) => Math.abs(i - 10)), new Float64Array(21).fill(1));
    expect(found[20]).toBeCloseTo(10.746194182903393, 12);
    expect(found[19]).toBeCloseTo(10.746194182903322, 12);
    expect(found[0]).toBeCloseTo(-1.1254415221199847, 12);
  });

  test('are zero for zeros, the number itself for one, and none for none', () => {
    expect([...tridiagonalEigenvalues(new Float64Array(4), new Float64Array(4))]).toEqual([0, 0, 0, 0]);
    expect([...tridiagonalEigenvalues(Float64Array.of(-3), new Float64Array(1))]).toEqual([-3]);
    expect(tridiagonalEigenvalues(new Float64Array(0), new Float64Array(0))).toHaveLength(0);
    const pair = tridiagonalEigenvalues(Float64Array.of(1, -1), Float64Array.of(2, 0));
    expect(largestDifference(pair, [-Math.sqrt(5), Math.sqrt(5)])).toBeLessThan(1e-15);
  });

  test('of numbers that are not numbers end in an error', () => {
    expect(() => tridiagonalEigenvalues(Float64Array.of(1, NaN, 2), Float64Array.of(1, 1, 0))).toThrow('did not converge');
  });
});
