/** A dense matrix, row-major: element (i, j) is `data[i * columns + j]`. */
export interface Matrix<Data extends Float32Array | Float64Array = Float32Array | Float64Array> {
  readonly rows: number;
  readonly columns: number;
  readonly data: Data;
}

/** A float64 matrix of zeros. */
export function zeros(rows: number, columns: number): Matrix<Float64Array> {
  return { rows, columns, data: new Float64Array(rows * columns) };
}

/** The same matrix in float64; not copied when it is already. */
export function toFloat64({ rows, columns, data }: Matrix): Matrix<Float64Array> {
  return { rows, columns, data: data instanceof Float64Array ? data : new Float64Array(data) };
}

/** A copy of the given block, in float64. */
export function block(matrix: Matrix, row: number, column: number, rows: number, columns: number): Matrix<Float64Array> {
  const data = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const start = (row + i) * matrix.columns + column;
    data.set(matrix.data.subarray(start, start + columns), i * columns);
  }
  return { rows, columns, data };
}

/** Writes `part` over `matrix` with its corner at (row, column). */
export function setBlock(matrix: Matrix<Float64Array>, row: number, column: number, part: Matrix): void {
  for (let i = 0; i < part.rows; i++) {
    matrix.data.set(part.data.subarray(i * part.columns, (i + 1) * part.columns), (row + i) * matrix.columns + column);
  }
}

/** @throws {RangeError} naming the shape when the matrix is not square. */
export function requireSquare({ rows, columns }: Matrix, what: string): void {
  if (rows !== columns) throw new RangeError(`${what} needs a square matrix, not ${rows} x ${columns}.`);
}
