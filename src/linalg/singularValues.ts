import type { Engine, WorkOptions } from './engine';
import { makeReflector } from './householder';
import type { Matrix } from './matrix';
import { tridiagonalEigenvalues } from './tridiagonal';

export interface SpectrumFromGram {
  /** Ascending; as many as the smaller side has. */
  readonly values: Float64Array;
  /** Bound on the error of each, as the square root of a rounded eigenvalue. Large for values far below the largest. */
  readonly errors: Float64Array;
}

/** Rounding of an eigenvalue of a Gram matrix, in units of the largest one's; observed errors stay below a tenth of it. */
const eigenvalueRounding = 32 * Number.EPSILON;

/** Singular values by the eigenvalues of the Gram matrix of the smaller side: fast, but what is below 1e-7 of the largest is lost. */
export async function singularValuesFromGram(engine: Engine, matrix: Matrix, options: WorkOptions = {}): Promise<SpectrumFromGram> {
  const gram = await engine.gram(matrix, matrix.columns <= matrix.rows ? 'columns' : 'rows', options);
  const eigenvalues = await engine.symmetricEigenvalues(gram, options);
  const rounding = eigenvalueRounding * (eigenvalues.at(-1) ?? 0);
  const values = eigenvalues.map((value) => Math.sqrt(Math.max(0, value)));
  return { values, errors: values.map((value) => rounding / Math.max(value, Math.sqrt(rounding), Number.MIN_VALUE)) };
}

/**
 * Singular values, ascending, each with an error of a few units of rounding of the largest: Householder QR, bidiagonalization of the
 * triangle (Golub & Kahan 1965, Chan 1982) and the eigenvalues of its Golub-Kahan form. On plain loops: about 4 n d^2 operations.
 */
export function singularValuesDirect(matrix: Matrix, checkpoint?: () => void): Float64Array {
  const tall = matrix.rows >= matrix.columns;
  const [long, short] = tall ? [matrix.rows, matrix.columns] : [matrix.columns, matrix.rows];
  // By columns of the tall orientation, so that reflectors are contiguous.
  const columns = Array.from({ length: short }, (_, j) => {
    if (!tall) return new Float64Array(matrix.data.subarray(j * long, (j + 1) * long));
    return Float64Array.from({ length: long }, (_, i) => matrix.data[i * short + j] as number);
  });
  for (let j = 0; j < short; j++) reflectColumns(columns, j, j, long, checkpoint);

  const triangle = columns.map((column, j) => Float64Array.from({ length: short }, (_, i) => (i <= j ? (column[i] as number) : 0)));
  const offDiagonal = new Float64Array(2 * short);
  const row = new Float64Array(short);
  const sums = new Float64Array(short);
  for (let k = 0; k < short; k++) {
    checkpoint?.();
    reflectColumns(triangle, k, k, short);
    offDiagonal[2 * k] = (triangle[k] as Float64Array)[k] as number;
    if (k === short - 1) break;
    for (let j = k + 1; j < short; j++) row[j] = (triangle[j] as Float64Array)[k] as number;
    const tau = makeReflector(row, k + 1, short - k - 1);
    offDiagonal[2 * k + 1] = row[k + 1] as number;
    row[k + 1] = 1;
    reflectRows(triangle, row, k, tau, sums);
  }
  // The symmetric matrix with zero diagonal and these off-diagonals has the singular values and their negatives as eigenvalues.
  const pairs = tridiagonalEigenvalues(new Float64Array(2 * short), offDiagonal, undefined, checkpoint);
  return pairs.slice(short).map((value) => Math.max(0, value));
}

/** Clears column `k` below row `first` and applies the reflector to the columns after it. */
function reflectColumns(columns: readonly Float64Array[], k: number, first: number, length: number, checkpoint?: () => void): void {
  const own = columns[k] as Float64Array;
  const tau = makeReflector(own, first, length - first);
  if (tau === 0) return;
  const beta = own[first] as number;
  own[first] = 1;
  for (let j = k + 1; j < columns.length; j++) {
    if ((j & 255) === 0) checkpoint?.();
    const other = columns[j] as Float64Array;
    let dot = 0;
    for (let i = first; i < length; i++) dot += (own[i] as number) * (other[i] as number);
    dot *= tau;
    for (let i = first; i < length; i++) other[i] = (other[i] as number) - dot * (own[i] as number);
  }
  own[first] = beta;
}

/** Applies the reflector `row` from the right to rows k+1 and on of columns k+1 and on. */
function reflectRows(columns: readonly Float64Array[], row: Float64Array, k: number, tau: number, sums: Float64Array): void {
  if (tau === 0) return;
  const size = columns.length;
  sums.fill(0);
  for (let j = k + 1; j < size; j++) {
    const column = columns[j] as Float64Array;
    const v = row[j] as number;
    for (let i = k + 1; i < size; i++) sums[i] = (sums[i] as number) + v * (column[i] as number);
  }
  for (let j = k + 1; j < size; j++) {
    const column = columns[j] as Float64Array;
    const v = tau * (row[j] as number);
    for (let i = k + 1; i < size; i++) column[i] = (column[i] as number) - v * (sums[i] as number);
  }
}
