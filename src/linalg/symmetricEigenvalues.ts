import type { Engine, WorkOptions } from './engine';
import { type Matrix, requireSquare } from './matrix';
import { tridiagonalEigenvalues } from './tridiagonal';
import { tridiagonalForm } from './tridiagonalForm';

/**
 * Eigenvalues of a symmetric matrix, ascending, in float64: full -> band (products on the engine) -> tridiagonal -> QL without square roots.
 * The error of each is a few units of rounding of the largest in magnitude, whatever its own size.
 */
export async function symmetricEigenvalues(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  options: WorkOptions = {},
): Promise<Float64Array> {
  requireSquare(matrix, 'An eigenvalue');
  const { rows, data } = matrix;
  const largest = largestElement(data);
  if (largest === 0) return new Float64Array(rows);
  // A power of two, so that scaling is exact; it keeps squares away from overflow and underflow.
  const scale = 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(largest))));
  const { diagonal, offDiagonal } = await tridiagonalForm(engine, matrix, { ...options, scale });
  const eigenvalues = tridiagonalEigenvalues(diagonal, offDiagonal, undefined, options.checkpoint);
  for (let i = 0; i < rows; i++) eigenvalues[i] = (eigenvalues[i] as number) / scale;
  return eigenvalues;
}

/** @throws {RangeError} naming the element when one is not finite. */
function largestElement(data: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < data.length; i++) {
    const size = Math.abs(data[i] as number);
    if (!(size <= largest)) largest = size;
    if (!(size < Infinity)) throw new RangeError(`A matrix with an element of ${data[i]} has no eigenvalues.`);
  }
  return largest;
}
