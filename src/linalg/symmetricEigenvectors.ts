import { makeReflector } from './householder';
import { type Matrix, requireSquare, zeros } from './matrix';
import { tridiagonalEigenvalues } from './tridiagonal';

export interface Eigenpairs {
  /** Descending. */
  readonly values: Float64Array;
  /** Row i is the unit eigenvector of `values[i]`. */
  readonly vectors: Matrix<Float64Array>;
}

/**
 * All eigenvalues and eigenvectors of a small symmetric matrix, on plain typed arrays: Householder tridiagonalization and
 * implicit QL. About 10 n^3 operations: meant for n up to a few hundred.
 */
export function symmetricEigenvectors(matrix: Matrix<Float64Array>, checkpoint?: () => void): Eigenpairs {
  requireSquare(matrix, 'An eigenvector');
  const size = matrix.rows;
  const a = matrix.data.slice();
  const diagonal = new Float64Array(size);
  const offDiagonal = new Float64Array(size);
  const taus = new Float64Array(size);
  const w = new Float64Array(size);
  for (let k = 0; k < size - 1; k++) {
    if ((k & 15) === 0) checkpoint?.();
    // The matrix stays symmetric in full, so row k serves as the contiguous copy of column k.
    const start = k * size + k + 1;
    const length = size - k - 1;
    const tau = makeReflector(a, start, length);
    taus[k] = tau;
    diagonal[k] = a[k * size + k] as number;
    offDiagonal[k] = a[start] as number;
    if (tau === 0) continue;
    a[start] = 1;
    let dot = 0;
    for (let i = 0; i < length; i++) {
      const row = (k + 1 + i) * size + k + 1;
      let sum = 0;
      for (let j = 0; j < length; j++) sum += (a[row + j] as number) * (a[start + j] as number);
      w[i] = tau * sum;
      dot += sum * (a[start + i] as number);
    }
    const half = 0.5 * tau * tau * dot;
    for (let i = 0; i < length; i++) w[i] = (w[i] as number) - half * (a[start + i] as number);
    for (let i = 0; i < length; i++) {
      const row = (k + 1 + i) * size + k + 1;
      const vi = a[start + i] as number;
      const wi = w[i] as number;
      for (let j = 0; j < length; j++) a[row + j] = (a[row + j] as number) - vi * (w[j] as number) - wi * (a[start + j] as number);
    }
  }
  if (size > 0) diagonal[size - 1] = a[size * size - 1] as number;

  const basis = zeros(size, size);
  for (let i = 0; i < size; i++) basis.data[i * size + i] = 1;
  // Rows of the basis are the eigenvectors: Q' is built from the last reflector to the first.
  for (let k = size - 2; k >= 0; k--) {
    const tau = taus[k] as number;
    if (tau === 0) continue;
    const start = k * size + k + 1;
    const length = size - k - 1;
    for (let i = k + 1; i < size; i++) {
      const row = i * size + k + 1;
      let dot = 0;
      for (let j = 0; j < length; j++) dot += (basis.data[row + j] as number) * (a[start + j] as number);
      dot *= tau;
      for (let j = 0; j < length; j++) basis.data[row + j] = (basis.data[row + j] as number) - dot * (a[start + j] as number);
    }
  }
  const rotate = (i: number, cosine: number, sine: number) => {
    const lower = i * size;
    const upper = lower + size;
    for (let j = 0; j < size; j++) {
      const below = basis.data[lower + j] as number;
      const above = basis.data[upper + j] as number;
      basis.data[upper + j] = sine * below + cosine * above;
      basis.data[lower + j] = cosine * below - sine * above;
    }
  };
  const values = tridiagonalEigenvalues(diagonal, offDiagonal, rotate, checkpoint);
  const order = Array.from(values.keys()).sort((i, j) => (values[j] as number) - (values[i] as number));
  const vectors = zeros(size, size);
  for (const [place, from] of order.entries()) vectors.data.set(basis.data.subarray(from * size, (from + 1) * size), place * size);
  return { values: Float64Array.from(order, (from) => values[from] as number), vectors };
}
