import type { Matrix } from '../../linalg/matrix';
import { zeros } from '../../linalg/matrix';

/** Brings features to mean 0 and standard deviation 1 over the rows it was made from, in which constant features are left out. */
export interface Standardizer {
  /** Features that are kept. */
  readonly columns: number;
  /** The given rows of a matrix, standardized. */
  apply(matrix: Matrix, rows: Int32Array): Matrix<Float64Array>;
}

export function standardizer({ columns, data }: Matrix, rows: Int32Array): Standardizer {
  const mean = new Float64Array(columns);
  const squares = new Float64Array(columns);
  const varies = new Uint8Array(columns);
  const first = (rows[0] as number) * columns;
  for (const row of rows) {
    for (let j = 0; j < columns; j++) {
      const value = data[row * columns + j] as number;
      mean[j] = (mean[j] as number) + value;
      if (value !== data[first + j]) varies[j] = 1;
    }
  }
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) / rows.length;
  for (const row of rows) {
    for (let j = 0; j < columns; j++) squares[j] = (squares[j] as number) + ((data[row * columns + j] as number) - (mean[j] as number)) ** 2;
  }
  const inverse = squares.map((square) => 1 / Math.sqrt(square / rows.length));
  // A column can vary and still have a square that underflows to 0.
  const kept = Int32Array.from([...varies.keys()].filter((j) => varies[j] === 1 && Number.isFinite(inverse[j] as number)));
  return {
    columns: kept.length,
    apply(matrix, taken) {
      const result = zeros(taken.length, kept.length);
      let at = 0;
      for (const row of taken) {
        const start = row * matrix.columns;
        for (const j of kept) result.data[at++] = ((matrix.data[start + j] as number) - (mean[j] as number)) * (inverse[j] as number);
      }
      return result;
    },
  };
}
