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

/** The given rows, not copied. */
export function rowsOf<Data extends Float32Array | Float64Array>({ columns, data }: Matrix<Data>, start: number, rows: number): Matrix<Data> {
  return { rows, columns, data: data.subarray(start * columns, (start + rows) * columns) as Data };
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

/** Rows and columns of a tile that stays in the cache. */
const tile = { rows: 64, columns: 32 } as const;

/** The transpose; written over `result` when one is given. */
export function transpose<Data extends Float32Array | Float64Array = Float64Array>(
  matrix: Matrix,
  result = zeros(matrix.columns, matrix.rows) as Matrix as Matrix<Data>,
): Matrix<Data> {
  const { rows, columns } = matrix;
  const { data } = result as Matrix;
  for (let row = 0; row < rows; row += tile.rows) {
    const count = Math.min(tile.rows, rows - row);
    const { data: values } = toFloat64(rowsOf(matrix, row, count));
    if (data instanceof Float64Array) spreadRows(values, count, columns, data, rows, row);
    else spreadRowsNarrow(values, count, columns, data, rows, row);
  }
  return result;
}

/** Writes some rows into columns of another matrix, whose rows are `stride` long, from column `at` on. */
function spreadRows(values: Float64Array, count: number, columns: number, into: Float64Array, stride: number, at: number): void {
  for (let from = 0; from < columns; from += tile.columns) {
    const to = Math.min(from + tile.columns, columns);
    for (let j = from; j < to; j++) {
      const start = j * stride + at;
      for (let i = 0; i < count; i++) into[start + i] = values[i * columns + j] as number;
    }
  }
}

/** The same: one loop for both types of array would be slow for each. */
function spreadRowsNarrow(values: Float64Array, count: number, columns: number, into: Float32Array, stride: number, at: number): void {
  for (let from = 0; from < columns; from += tile.columns) {
    const to = Math.min(from + tile.columns, columns);
    for (let j = from; j < to; j++) {
      const start = j * stride + at;
      for (let i = 0; i < count; i++) into[start + i] = values[i * columns + j] as number;
    }
  }
}

/** @throws {RangeError} naming the shape when the matrix is not square. */
export function requireSquare({ rows, columns }: Matrix, what: string): void {
  if (rows !== columns) throw new RangeError(`${what} needs a square matrix, not ${rows} x ${columns}.`);
}

export interface Part {
  readonly start: number;
  readonly length: number;
}

/** A length in even parts of at most `most`. */
export function evenParts(length: number, most: number): Part[] {
  const count = Math.ceil(length / most);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.round((index * length) / count);
    return { start, length: Math.round(((index + 1) * length) / count) - start };
  });
}
