import { type Matrix, zeros } from '../../linalg/matrix';
import { columnStatistics } from '../columnStatistics';
import { takeRows } from './labelledRows';

/** Brings features to mean 0 and standard deviation 1 over the rows it was made from, in which constant features are left out. */
export interface Standardizer {
  /** Features that are kept. */
  readonly columns: number;
  /** The given rows of a matrix, standardized. */
  apply(matrix: Matrix, rows: Int32Array): Matrix<Float64Array>;
}

/** Numbers worked through between two looks at whether the measurement was cancelled. */
const numbersAtOnce = 1 << 21;

export function standardizer(matrix: Matrix, rows: Int32Array, checkpoint: () => void): Standardizer {
  const precision = matrix.data instanceof Float64Array ? 'float64' : 'float32';
  const { mean, inverseDeviation, kept } = columnStatistics(takeRows(matrix, rows, precision), checkpoint);
  const keptMean = Float64Array.from(kept, (j) => mean[j] as number);
  const inverse = Float64Array.from(kept, (j) => inverseDeviation[j] as number);
  return {
    columns: kept.length,
    apply({ columns, data }, taken) {
      const result = zeros(taken.length, kept.length);
      const row = new Float64Array(columns);
      const pause = Math.max(1, Math.floor(numbersAtOnce / Math.max(1, columns)));
      for (let place = 0, at = 0; place < taken.length; place++) {
        if (place % pause === 0) checkpoint();
        const start = (taken[place] as number) * columns;
        // One kind of array in the loop, whatever the kind of the data.
        row.set(data.subarray(start, start + columns));
        for (let k = 0; k < kept.length; k++) result.data[at++] = ((row[kept[k] as number] as number) - (keptMean[k] as number)) * (inverse[k] as number);
      }
      return result;
    },
  };
}
