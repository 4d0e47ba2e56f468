import { beforeAll, describe, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../src/linalg';
import { placeColumns, placeColumnsNarrow, shiftedColumns } from '../../../src/linalg/columnShift';
import { kernels, KernelSpace, layOut, withOwnSpace } from '../../../src/linalg/kernels';
import { leadingEigenvectors } from '../../../src/linalg/leadingEigenvectors';
import { leaveTridiagonal, tridiagonalFormWithBasis } from '../../../src/linalg/tridiagonalForm';
import { turnBack, turnTo } from '../../../src/linalg/turning';
import { float32, gaussianMatrix, largestDifference, product, transposed } from './matrices';

describe('a space of kernels of one\'s own', () => {
  test('keeps its numbers while others lay things out, and is not given to two at a time', async () => {
    await withOwnSpace(async (outer) => {
      const [numbers] = outer.layOut(1000);
      numbers.fill(7);
      layOut(500_000)[0].fill(1);
      await withOwnSpace(async (inner) => {
        expect(inner).not.toBe(outer);
        inner.layOut(1000)[0].fill(2);
        await Promise.resolve();
      });
      expect(numbers.every((value) => value === 7)).toBe(true);
    });
  });

  test('is used again by whoever comes next, also after an error', async () => {
    let first: KernelSpace | null = null;
    await expect(withOwnSpace((space) => Promise.reject(new Error(String((first = space).bytes > 0))))).rejects.toThrow('true');
    await withOwnSpace((space) => Promise.resolve(expect(space).toBe(first)));
  });

  test('is not kept when it has grown large', async () => {
    let large: KernelSpace | null = null;
    await withOwnSpace((space) => Promise.resolve((large = space).layOut(5_000_000)));
    await withOwnSpace((space) => Promise.resolve(expect(space).not.toBe(large)));
  });
});

describe('rows as columns', () => {
  const shape = [[1, 1], [2, 3], [7, 5], [64, 9], [65, 8], [300, 33], [1000, 2]] as const;
  const shiftOf = (columns: number) => ({
    scale: 2,
    first: Float64Array.from({ length: columns }, (_, j) => j / 8),
    rest: null,
    factor: Float64Array.from({ length: columns }, (_, j) => 1 + (j % 3)),
  });

  test.each(shape)('of %i x %i, shifted, are those of the definition in a matrix of their own and in a space', (rows, columns) => {
    const x = gaussianMatrix(rows, columns, 31);
    const shift = shiftOf(columns);
    const wanted = Float64Array.from({ length: rows * columns }, (_, at) => {
      const [j, i] = [Math.floor(at / rows), at % rows];
      return ((x.data[i * columns + j] as number) * 2 - (shift.first[j] as number)) * (shift.factor[j] as number);
    });
    expect([...shiftedColumns(x, shift).data]).toEqual([...wanted]);
    const place = { space: new KernelSpace(), lengths: [rows * columns, 3], at: 0 };
    expect([...placeColumns(x, shift, place).data]).toEqual([...wanted]);
    placeColumnsNarrow(x, shift, place);
    const [room] = place.space.layOut(...place.lengths);
    expect([...new Float32Array(room?.buffer as ArrayBuffer, room?.byteOffset, rows * columns)]).toEqual([...Float32Array.from(wanted)]);
  });

  test('of one matrix stay while those of another are placed beside them', () => {
    const [x, y] = [gaussianMatrix(40, 6, 32), gaussianMatrix(40, 90, 33)];
    const space = new KernelSpace();
    const lengths = [40 * 6, 40 * 90];
    placeColumns(x, null, { space, lengths, at: 0 });
    placeColumns(y, null, { space, lengths, at: 1 });
    const [ofX, ofY] = space.layOut(...lengths);
    expect([...(ofX ?? [])]).toEqual([...transposed(x).data]);
    expect([...(ofY ?? [])]).toEqual([...transposed(y).data]);
  });
});

test.each([0, 1, 2, 7, 8, 9, 1001])('squares of %i numbers are summed in float64 whatever their precision', (length) => {
  const x = gaussianMatrix(1, length, 34);
  const narrow = float32(x);
  const [room] = layOut(length);
  room.set(x.data);
  const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
  expect(Math.abs(kernels().sumSquares(room.byteOffset, length) - squares(x.data))).toBeLessThan(1e-12 * (1 + length));
  new Float32Array(room.buffer, room.byteOffset, length).set(narrow.data);
  expect(Math.abs(kernels().sumSquaresNarrow(room.byteOffset, length) - squares(narrow.data))).toBeLessThan(1e-12 * (1 + length));
});

test.each([1, 2, 5, 768])('rows of %i numbers around a centre are rounded once, and their lengths are those of what was rounded', (columns) => {
  const x = gaussianMatrix(3, columns, 35);
  const [rows, centre, squares, room] = layOut(3 * columns, columns, 3, 2 * columns);
  rows.set(x.data);
  centre.fill(0.3);
  const narrow = new Float32Array(room.buffer, room.byteOffset, 3 * columns);
  kernels().narrowAround(rows.byteOffset, 3, columns, centre.byteOffset, 4, narrow.byteOffset, squares.byteOffset);
  expect([...narrow]).toEqual([...x.data].map((value) => Math.fround((value - 0.3) * 4)));
  for (let i = 0; i < 3; i++) {
    const wanted = narrow.subarray(i * columns, (i + 1) * columns).reduce((sum, value) => sum + value * value, 0);
    expect(Math.abs((squares[i] as number) - wanted)).toBeLessThan(1e-10 * columns);
  }
});

describe('a tridiagonal form along a direction', () => {
  const size = 150;
  const x = gaussianMatrix(size + 40, size, 36);
  const gram = product(transposed(x), x);
  const direction = Float64Array.from({ length: size }, (_, j) => Math.sin(j + 1));
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
  });

  test('comes with a basis that leads back to the matrix, its first vector along the direction', async () => {
    const before = gram.data.slice();
    const { diagonal, offDiagonal, basis } = await tridiagonalFormWithBasis(engine, gram, { scale: 2 ** -8, along: direction });
    expect([...gram.data]).toEqual([...before]);
    const q = { rows: size, columns: size, data: Float64Array.from({ length: size * size }, (_, at) => Number(at % (size + 1) === 0)) };
    await leaveTridiagonal(engine, q, basis);
    expect(largestDifference(product(q, transposed(q)).data, Float64Array.from({ length: size * size }, (_, at) => Number(at % (size + 1) === 0)))).toBeLessThan(1e-13);
    const form = product(product(q, gram), transposed(q)).data.map((value) => value * 2 ** -8);
    const wanted = Float64Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size];
      return i === j ? (diagonal[i] as number) : Math.abs(i - j) === 1 ? (offDiagonal[Math.min(i, j)] as number) : 0;
    });
    expect(largestDifference(form, wanted)).toBeLessThan(1e-12);
    const length = Math.hypot(...direction);
    const cosine = q.data.subarray(0, size).reduce((sum, value, j) => sum + (value * (direction[j] as number)) / length, 0);
    expect(Math.abs(cosine)).toBeCloseTo(1, 13);
  });

  test('gives the leading eigenvectors that a reduction of their own gives', async () => {
    const reduced = await tridiagonalFormWithBasis(engine, gram, { scale: 2 ** -8, along: direction });
    const [own, shared] = [await leadingEigenvectors(engine, gram, 5), await leadingEigenvectors(engine, gram, 5, { reduced })];
    expect(largestDifference(shared.values, own.values)).toBeLessThan(1e-11);
    for (let k = 0; k < 5; k++) {
      const row = (of: typeof own) => of.vectors.data.subarray(k * size, (k + 1) * size);
      expect(Math.abs(row(own).reduce((sum, value, j) => sum + value * (row(shared)[j] as number), 0))).toBeCloseTo(1, 11);
    }
  });

  test('has no turn for a direction of nothing', () => {
    const space = new KernelSpace();
    const [data, v, w] = space.layOut(9, 3, 3);
    data.set([1, 2, 3, 2, 5, 6, 3, 6, 9]);
    expect(turnTo(space.kernels, { rows: 3, columns: 3, data }, new Float64Array(3), [v, w])).toBeNull();
    expect([...data]).toEqual([1, 2, 3, 2, 5, 6, 3, 6, 9]);
    const turn = turnTo(space.kernels, { rows: 3, columns: 3, data }, Float64Array.of(0, 3, 4), [v, w]);
    const vector = { rows: 1, columns: 3, data: Float64Array.of(0, 3, 4) };
    if (turn) turnBack(vector, turn);
    expect(Math.abs(vector.data[0] as number)).toBeCloseTo(5, 14);
    expect(data[0]).toBeCloseTo((9 * 5 + 2 * 12 * 6 + 16 * 9) / 25, 13);
  });
});
