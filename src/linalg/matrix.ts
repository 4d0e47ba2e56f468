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

/** The transpose, in tiles that stay in the cache; written over `result` when one is given. */
export function transpose<Data extends Float32Array | Float64Array = Float64Array>(
  { rows, columns, data }: Matrix,
  result = zeros(columns, rows) as Matrix as Matrix<Data>,
): Matrix<Data> {
  const tile = 16;
  for (let rowTile = 0; rowTile < rows; rowTile += tile) {
    const rowEnd = Math.min(rowTile + tile, rows);
    for (let j = 0; j < columns; j++) {
      for (let i = rowTile; i < rowEnd; i++) result.data[j * rows + i] = data[i * columns + j] as number;
    }
  }
  return result;
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
