import { cholesky, solveLower } from './cholesky';
import type { Engine, WorkOptions } from './engine';
import { type Matrix, requireSquare, transpose } from './matrix';
import { symmetricEigenvalues } from './symmetricEigenvalues';

/**
 * The numbers l with B x = l A x for a symmetric B and a symmetric positive definite A, ascending, in float64: eigenvalues of L^-1 B L^-T with
 * A = L L' (LAPACK sygst). Errors are a few units of rounding of the largest, times the condition of A.
 * @throws {RangeError} naming the shapes when they do not fit, or the pivot when A is not positive definite.
 */
export async function generalizedEigenvalues(
  engine: Pick<Engine, 'gemm'>,
  b: Matrix<Float64Array>,
  a: Matrix<Float64Array>,
  options: WorkOptions = {},
): Promise<Float64Array> {
  requireSquare(b, 'An eigenvalue');
  if (a.rows !== b.rows || a.columns !== b.columns) {
    throw new RangeError(`A generalized eigenvalue needs matrices of one size, not ${b.rows} x ${b.columns} and ${a.rows} x ${a.columns}.`);
  }
  const factor = await cholesky(engine, a, options);
  const half = await solveLower(engine, factor, b, options);
  const reduced = (await solveLower(engine, factor, transpose(half), options)) as Matrix<Float64Array>;
  symmetrize(reduced);
  return symmetricEigenvalues(engine, reduced, options);
}

/** What rounding left of the difference between the triangles is taken out. */
function symmetrize({ rows, data }: Matrix<Float64Array>): void {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const mean = ((data[i * rows + j] as number) + (data[j * rows + i] as number)) / 2;
      data[i * rows + j] = mean;
      data[j * rows + i] = mean;
    }
  }
}
