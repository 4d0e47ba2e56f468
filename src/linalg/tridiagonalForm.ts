import { reduceToBand } from './bandReduction';
import { bandToTridiagonal, type TridiagonalForm } from './bandToTridiagonal';
import type { Engine, WorkOptions } from './engine';
import type { Matrix } from './matrix';

export type { TridiagonalForm };

/** Wide enough for products of useful size, narrow enough that the bulge chase (which grows with it) stays short; measured at 768 and 2048. */
export function bandwidthFor(size: number): number {
  return size <= 1024 ? 16 : 32;
}

/**
 * Q'AQ of a symmetric matrix, by way of a band. The first coordinate is left where it is: Q e_1 = e_1.
 * The matrix is overwritten; the squares of its elements must be in range.
 */
export async function tridiagonalForm(engine: Pick<Engine, 'gemm'>, matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<TridiagonalForm> {
  return bandToTridiagonal(await reduceToBand(engine, matrix, bandwidthFor(matrix.rows), options), options.checkpoint);
}
