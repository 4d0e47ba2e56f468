import { kernels } from '../linalg/kernels';
import type { Matrix } from '../linalg/matrix';
import { RowBlock } from '../linalg/rowBlock';

export interface ColumnStatistics {
  /** [columns] */
  readonly mean: Float64Array;
  /** [columns] 1 over the standard deviation (of all rows, not of all but one). */
  readonly inverseDeviation: Float64Array;
  /** Columns that are not constant. */
  readonly kept: Int32Array;
}

/** What columns are standardized with. */
export function columnStatistics(matrix: Matrix, checkpoint: () => void): ColumnStatistics {
  const { rows, columns, data } = matrix;
  const { addAround, addRows, markVarying } = kernels();
  const block = new RowBlock(matrix, [columns, columns, columns, columns, columns]);
  const [first, varies, mean, left, squares] = block.vectors as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  first.set(data.subarray(0, columns));
  for (const vector of [varies, mean, left, squares]) vector.fill(0);
  block.visit((_, count) => {
    checkpoint();
    addRows(mean.byteOffset, block.address, count, columns, 1);
    markVarying(varies.byteOffset, first.byteOffset, block.address, count, columns);
  });
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) / rows;
  block.visit((_, count) => {
    checkpoint();
    addAround(block.address, count, columns, mean.byteOffset, left.byteOffset, squares.byteOffset);
  });
  const inverseDeviation = squares.map((square) => 1 / Math.sqrt(square / rows));
  // A column can vary and still have a square that underflows to 0.
  const kept = Int32Array.from({ length: columns }, (_, j) => j).filter((j) => varies[j] !== 0 && Number.isFinite(inverseDeviation[j] as number));
  return { mean: mean.slice(), inverseDeviation, kept };
}
