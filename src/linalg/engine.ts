import type { ColumnShift } from './columnShift';
import type { Matrix } from './matrix';

export interface WorkOptions {
  /** Called at least every 100 ms of work; what it throws ends the computation. */
  readonly checkpoint?: (() => void) | undefined;
}

export interface GramOptions extends WorkOptions {
  /** What is done to the columns of the matrix first, without a copy of it. Default: nothing. */
  readonly shift?: ColumnShift;
}

export interface GemmOptions extends WorkOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Factor before the product. Default 1. */
  readonly scale?: number;
  /** Added to the product; of its shape. */
  readonly addend?: Matrix;
  /** Factor before the addend. Default 1. */
  readonly addendScale?: number;
  /** Storage for the result, exactly as long and precise as it; may be that of the addend, must not overlap a factor. Default: a new array. */
  readonly into?: Float32Array | Float64Array;
}

export type EngineName = 'onnxruntime' | 'tensorflow' | 'wasm';

/**
 * The dense linear algebra that the metrics stand on. Engines differ in speed, not in meaning:
 * the precision of a result is that of its operands (Float64 when any is), the same within stated tolerance on all of them.
 */
export interface Engine {
  readonly name: EngineName;
  readonly version: string;
  /**
   * scale op(A) op(B) [+ addendScale addend]. Scales become part of a cached graph in some engines: use few different ones.
   * @throws {RangeError} naming the shapes when they do not fit.
   */
  gemm(a: Matrix, b: Matrix, options?: GemmOptions): Promise<Matrix>;
  /** exp of every element, in the precision of the matrix. */
  exponentials(matrix: Matrix, into?: Float32Array | Float64Array): Promise<Matrix>;
  /** Z'Z (`columns`, d x d) or ZZ' (`rows`, n x n), accumulated in float64. */
  gram(z: Matrix, side: 'columns' | 'rows', options?: GramOptions): Promise<Matrix<Float64Array>>;
  /** Squared Euclidean distances between the rows of `a` and the rows of `b`, clipped at 0. */
  squaredDistances(a: Matrix, b: Matrix, options?: WorkOptions): Promise<Matrix<Float64Array>>;
  /**
   * Natural logarithm of the determinant of a symmetric positive definite matrix, by Cholesky in float64.
   * @throws {RangeError} naming the pivot when the matrix is not positive definite.
   */
  choleskyLogDeterminant(matrix: Matrix<Float64Array>, options?: WorkOptions): Promise<number>;
  /** Eigenvalues of a symmetric matrix, ascending, in float64. */
  symmetricEigenvalues(matrix: Matrix<Float64Array>, options?: WorkOptions): Promise<Float64Array>;
}
