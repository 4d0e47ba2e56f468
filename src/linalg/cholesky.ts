import type { Engine, WorkOptions } from './engine';
import { kernels, layOut } from './kernels';
import { block, evenParts, type Matrix, type Part, requireSquare, rowsOf, setBlock, zeros } from './matrix';

/** Rows of a tile: as wide as products want it, as narrow as the kernels' share (which grows with it) allows; measured. */
const tileSize = 192;

type Products = Pick<Engine, 'gemm'>;

/** A = L L'. The diagonal tiles are also kept inverted, so that a solve is nothing but products. */
export interface CholeskyFactor {
  /** Lower triangle; the upper one is zero. */
  readonly lower: Matrix;
  readonly logDeterminant: number;
  /** The inverted diagonal tiles, by the row where each begins, in ascending order. */
  readonly leaves: ReadonlyMap<number, Matrix>;
}

/**
 * Cholesky factor of a symmetric positive definite matrix (its lower triangle is read), by tiles: the diagonal ones in the kernels,
 * everything else is a product on the engine.
 * @throws {RangeError} naming the pivot when the matrix is not positive definite.
 */
export async function cholesky(engine: Products, matrix: Matrix, options: WorkOptions = {}): Promise<CholeskyFactor> {
  requireSquare(matrix, 'A Cholesky factor');
  const size = matrix.rows;
  const lower = zeros(size, size);
  const leaves = new Map<number, Matrix>();
  const tiles = evenParts(size, tileSize);
  let sum = 0;
  // Of the part not yet factored, tile after tile of its lower triangle.
  const rest = tiles.map((row, i) => tiles.slice(0, i + 1).map((column) => block(matrix, row.start, column.start, row.length, column.length)));
  for (const [k, { start, length }] of tiles.entries()) {
    options.checkpoint?.();
    const { factor, inverse } = factorizeTile(tileAt(rest, k, k), start);
    setBlock(lower, start, start, factor);
    leaves.set(start, inverse);
    for (let i = 0; i < length; i++) sum += Math.log(factor.data[i * length + i] as number);
    // L_ik = A_ik L_kk^-T
    const column: Matrix<Float64Array>[] = [];
    for (let i = k + 1; i < tiles.length; i++) {
      const tile = (await engine.gemm(tileAt(rest, i, k), inverse, { transposeB: true, ...options })) as Matrix<Float64Array>;
      column.push(tile);
      setBlock(lower, (tiles[i] as Part).start, start, tile);
    }
    for (const [i, left] of column.entries()) {
      for (const [j, right] of column.slice(0, i + 1).entries()) {
        const addend = tileAt(rest, k + 1 + i, k + 1 + j);
        await engine.gemm(left, right, { transposeB: true, scale: -1, addend, into: addend.data, ...options });
      }
    }
  }
  return { lower, logDeterminant: 2 * sum, leaves };
}

function tileAt(tiles: readonly (readonly Matrix<Float64Array>[])[], row: number, column: number): Matrix<Float64Array> {
  return tiles[row]?.[column] as Matrix<Float64Array>;
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
  const { lower, leaves } = factor;
  if (right.rows !== lower.rows) throw new RangeError(`A factor of ${lower.rows} does not fit ${right.rows} rows.`);
  const wide = [right.data, lower.data].some((data) => data instanceof Float64Array);
  const data = wide ? new Float64Array(right.data.length) : new Float32Array(right.data.length);
  const result = { rows: right.rows, columns: right.columns, data };
  for (const [start, leaf] of leaves) {
    options.checkpoint?.();
    let own = rowsOf(right, start, leaf.rows);
    if (start > 0) {
      const coupling = firstColumns(rowsOf(lower, start, leaf.rows), start);
      own = await engine.gemm(coupling, rowsOf(result, 0, start), { scale: -1, addend: own, ...options });
    }
    await engine.gemm(leaf, own, { into: rowsOf(result, start, leaf.rows).data, ...options });
  }
  return result;
}

function firstColumns({ rows, columns, data }: Matrix, count: number): Matrix {
  const result = data instanceof Float64Array ? new Float64Array(rows * count) : new Float32Array(rows * count);
  for (let i = 0; i < rows; i++) result.set(data.subarray(i * columns, i * columns + count), i * count);
  return { rows, columns: count, data: result };
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

/** The Cholesky factor of a diagonal tile and its inverse. */
function factorizeTile(tile: Matrix<Float64Array>, offset: number): { factor: Matrix<Float64Array>; inverse: Matrix<Float64Array> } {
  const size = tile.rows;
  // The kernels want rows by fours: what is added is an identity.
  const padded = 4 * Math.ceil(size / 4);
  const [a, inverses, inverse] = layOut(padded * padded, padded, padded * padded);
  a.fill(0);
  inverse.fill(0);
  for (let i = 0; i < size; i++) a.set(tile.data.subarray(i * size, i * size + i + 1), i * padded);
  for (let i = size; i < padded; i++) a[i * padded + i] = 1;
  const failed = kernels().choleskyFactor(a.byteOffset, padded, inverses.byteOffset);
  if (failed >= 0) throw new RangeError(`The matrix is not positive definite: pivot ${offset + failed} is ${a[failed * padded + failed]}.`);
  kernels().invertLowerTriangle(a.byteOffset, padded, inverses.byteOffset, inverse.byteOffset);
  const whole = (data: Float64Array) => block({ rows: padded, columns: padded, data }, 0, 0, size, size);
  return { factor: whole(a), inverse: whole(inverse) };
}
