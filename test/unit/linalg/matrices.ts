import type { Matrix } from '../../../src/linalg';
import { Random } from '../../../src/metrics/random';

/** rows x columns of standard normal numbers. */
export function gaussianMatrix(rows: number, columns: number, seed: number): Matrix<Float64Array> {
  const random = new Random(seed);
  return { rows, columns, data: Float64Array.from({ length: rows * columns }, () => random.gaussian()) };
}

export function float32({ rows, columns, data }: Matrix): Matrix<Float32Array> {
  return { rows, columns, data: Float32Array.from(data) };
}

export function transposed({ rows, columns, data }: Matrix): Matrix<Float64Array> {
  return { rows: columns, columns: rows, data: Float64Array.from({ length: data.length }, (_, at) => data[(at % rows) * columns + Math.floor(at / rows)] as number) };
}

/** The product by its definition. */
export function product(a: Matrix, b: Matrix): Matrix<Float64Array> {
  const data = new Float64Array(a.rows * b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = a.data[i * a.columns + k] as number;
      for (let j = 0; j < b.columns; j++) data[i * b.columns + j] = (data[i * b.columns + j] as number) + factor * (b.data[k * b.columns + j] as number);
    }
  }
  return { rows: a.rows, columns: b.columns, data };
}

/** Q diag(values) Q' with Q a product of random reflectors, so that its eigenvalues are known. */
export function withEigenvalues(values: readonly number[], seed: number): Matrix<Float64Array> {
  const size = values.length;
  const data = new Float64Array(size * size);
  for (const [i, value] of values.entries()) data[i * size + i] = value;
  for (let round = 0; round < 6; round++) {
    const v = gaussianMatrix(1, size, seed + round).data;
    const squares = v.reduce((sum, x) => sum + x * x, 0);
    const w = new Float64Array(size);
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) w[i] = (w[i] as number) + (2 / squares) * (data[i * size + j] as number) * (v[j] as number);
    const half = w.reduce((sum, x, i) => sum + x * (v[i] as number), 0) / squares;
    for (let i = 0; i < size; i++) w[i] = (w[i] as number) - half * (v[i] as number);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        data[i * size + j] = (data[i * size + j] as number) - (v[i] as number) * (w[j] as number) - (w[i] as number) * (v[j] as number);
      }
    }
  }
  return { rows: size, columns: size, data };
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
