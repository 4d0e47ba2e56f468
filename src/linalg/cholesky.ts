import type { Engine, WorkOptions } from './engine';
import { block, type Matrix, requireSquare, setBlock, toFloat64, zeros } from './matrix';

/** Below this size plain loops are faster than products on the engine. */
const leafSize = 48;

type Products = Pick<Engine, 'gemm'>;

/** A = L L'. The diagonal blocks are also kept inverted, so that a solve is nothing but products. */
export interface CholeskyFactor {
  /** Lower triangle; the upper one is zero. */
  readonly lower: Matrix;
  readonly logDeterminant: number;
  /** By the row where each diagonal block begins. */
  readonly leaves: ReadonlyMap<number, Matrix>;
}

/**
 * Cholesky factor of a symmetric positive definite matrix (its lower triangle is read), by recursive halving:
 * everything above a leaf is a product on the engine.
 * @throws {RangeError} naming the pivot when the matrix is not positive definite.
 */
export async function cholesky(engine: Products, matrix: Matrix, options: WorkOptions = {}): Promise<CholeskyFactor> {
  requireSquare(matrix, 'A Cholesky factor');
  const lower = zeros(matrix.rows, matrix.columns);
  const leaves = new Map<number, Matrix>();
  const factor: CholeskyFactor = { lower, logDeterminant: 0, leaves };

  async function factorize(part: Matrix<Float64Array>, offset: number): Promise<void> {
    options.checkpoint?.();
    const size = part.rows;
    if (size <= leafSize) {
      choleskyInPlace(part.data, size, offset);
      setBlock(lower, offset, offset, part);
      leaves.set(offset, { rows: size, columns: size, data: invertLower(part.data, size) });
      return;
    }
    const half = halve(size);
    const rest = size - half;
    await factorize(block(part, 0, 0, half, half), offset);
    // L21 = A21 L11^-T, by solving L11 L21' = A21'.
    const right = zeros(half, rest);
    for (let i = 0; i < rest; i++) for (let j = 0; j < half; j++) right.data[j * rest + i] = part.data[(half + i) * size + j] as number;
    const below = zeros(half, rest);
    await solveRange(engine, factor, right, below, offset, half, options);
    for (let i = 0; i < rest; i++) {
      for (let j = 0; j < half; j++) lower.data[(offset + half + i) * lower.columns + offset + j] = below.data[j * rest + i] as number;
    }
    const trailing = await engine.gemm(below, below, { transposeA: true, scale: -1, addend: block(part, half, half, rest, rest), ...options });
    await factorize(toFloat64(trailing), offset + half);
  }

  if (matrix.rows > 0) await factorize(block(matrix, 0, 0, matrix.rows, matrix.columns), 0);
  let sum = 0;
  for (let i = 0; i < lower.rows; i++) sum += Math.log(lower.data[i * lower.columns + i] as number);
  return { lower, logDeterminant: 2 * sum, leaves };
}

/** @throws {RangeError} naming the pivot when the matrix is not positive definite. */
export async function choleskyLogDeterminant(engine: Products, matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<number> {
  return (await cholesky(engine, matrix, options)).logDeterminant;
}

/** The same factor in float32, for solves that need speed and not digits. */
export function toFloat32Factor({ lower, logDeterminant, leaves }: CholeskyFactor): CholeskyFactor {
  const narrow = ({ rows, columns, data }: Matrix): Matrix => ({ rows, columns, data: new Float32Array(data) });
  return { lower: narrow(lower), logDeterminant, leaves: new Map([...leaves].map(([offset, leaf]) => [offset, narrow(leaf)])) };
}

/** L^-1 B. The squared length of a column is then b' A^-1 b. */
export async function solveLower(engine: Products, factor: CholeskyFactor, right: Matrix, options: WorkOptions = {}): Promise<Matrix> {
  if (right.rows !== factor.lower.rows) throw new RangeError(`A factor of ${factor.lower.rows} does not fit ${right.rows} rows.`);
  const data = right.data instanceof Float64Array ? new Float64Array(right.data.length) : new Float32Array(right.data.length);
  const result = { rows: right.rows, columns: right.columns, data };
  if (right.rows > 0) await solveRange(engine, factor, right, result, 0, right.rows, options);
  return result;
}

/** L^-1 B for the diagonal block of L at `offset`; `result` holds the rows of `offset` and on. */
async function solveRange(
  engine: Products,
  factor: CholeskyFactor,
  right: Matrix,
  result: Matrix,
  offset: number,
  size: number,
  options: WorkOptions,
): Promise<void> {
  const leaf = factor.leaves.get(offset);
  if (leaf && leaf.rows === size) {
    await engine.gemm(leaf, right, { into: result.data, ...options });
    return;
  }
  const half = halve(size);
  const rest = size - half;
  const top = rowsOf(result, 0, half);
  await solveRange(engine, factor, rowsOf(right, 0, half), top, offset, half, options);
  const coupling = columnsOf(rowsOf(factor.lower, offset + half, rest), offset, half);
  const updated = await engine.gemm(coupling, top, { scale: -1, addend: rowsOf(right, half, rest), ...options });
  await solveRange(engine, factor, updated, rowsOf(result, half, rest), offset + half, rest, options);
}

/** Half of a size, in whole leaves. */
function halve(size: number): number {
  return leafSize * Math.ceil(size / leafSize / 2);
}

function rowsOf({ columns, data }: Matrix, start: number, rows: number): Matrix {
  return { rows, columns, data: data.subarray(start * columns, (start + rows) * columns) };
}

function columnsOf(matrix: Matrix, start: number, columns: number): Matrix {
  const data = matrix.data instanceof Float64Array ? new Float64Array(matrix.rows * columns) : new Float32Array(matrix.rows * columns);
  for (let i = 0; i < matrix.rows; i++) {
    data.set(matrix.data.subarray(i * matrix.columns + start, i * matrix.columns + start + columns), i * columns);
  }
  return { rows: matrix.rows, columns, data };
}

/**
 * Replaces a small symmetric positive definite matrix (size x size in `data`, its lower triangle is read) by its Cholesky factor.
 * @throws {RangeError} naming the pivot, counted from `offset`, when the matrix is not positive definite.
 */
export function choleskyInPlace(data: Float64Array, size: number, offset = 0): void {
  for (let j = 0; j < size; j++) {
    const rowJ = j * size;
    for (let i = j; i < size; i++) {
      const rowI = i * size;
      let sum = data[rowI + j] as number;
      for (let k = 0; k < j; k++) sum -= (data[rowI + k] as number) * (data[rowJ + k] as number);
      if (i === j) {
        if (!(sum > 0) || sum === Infinity) throw new RangeError(`The matrix is not positive definite: pivot ${offset + j} is ${sum}.`);
        data[rowJ + j] = Math.sqrt(sum);
      } else {
        data[rowI + j] = sum / (data[rowJ + j] as number);
      }
    }
    data.fill(0, rowJ + j + 1, rowJ + size);
  }
}

/** log det of a small symmetric positive definite matrix; `data` is overwritten. @throws {RangeError} as `choleskyInPlace`. */
export function smallLogDeterminant(data: Float64Array, size: number): number {
  choleskyInPlace(data, size);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.log(data[i * size + i] as number);
  return 2 * sum;
}

function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    inverse[j * size + j] = 1 / (lower[j * size + j] as number);
    for (let i = j + 1; i < size; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum += (lower[i * size + k] as number) * (inverse[k * size + j] as number);
      inverse[i * size + j] = -sum / (lower[i * size + i] as number);
    }
  }
  return inverse;
}
