import type { Matrix } from './matrix';

export interface GemmOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * The dense linear algebra that the metrics stand on. Engines differ in speed, not in meaning:
 * the precision of a result is that of its operands (Float64 when either is), the same within stated tolerance on all of them.
 */
export interface Engine {
  readonly name: 'onnxruntime' | 'tensorflow' | 'wasm';
  readonly version: string;
  /** op(A) op(B). */
  gemm(a: Matrix, b: Matrix, options?: GemmOptions): Promise<Matrix>;
  /** Z'Z (`columns`, d x d) or ZZ' (`rows`, n x n), accumulated in float64. */
  gram(z: Matrix, side: 'columns' | 'rows'): Promise<Matrix<Float64Array>>;
  /** Squared Euclidean distances between the rows of `a` and the rows of `b`, clipped at 0. */
  squaredDistances(a: Matrix, b: Matrix): Promise<Matrix<Float64Array>>;
  /**
   * Natural logarithm of the determinant of a symmetric positive definite matrix, by Cholesky in float64.
   * @throws {RangeError} naming the pivot when the matrix is not positive definite.
   */
  choleskyLogDeterminant(matrix: Matrix<Float64Array>): Promise<number>;
  /** Eigenvalues of a symmetric matrix, ascending, in float64. */
  symmetricEigenvalues(matrix: Matrix<Float64Array>): Promise<Float64Array>;
}
