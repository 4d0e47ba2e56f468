import { leadingEigenvectors } from '../linalg/leadingEigenvectors';
import { type Matrix, zeros } from '../linalg/matrix';
import { columnStatistics } from './columnStatistics';
import type { MeasureContext } from './contract';

export interface Reduction {
  /** The rows that were fitted, in components: n x k, strongest first. */
  readonly scores: Matrix<Float64Array>;
  /** Other rows, standardized with the statistics of the fitted ones, in the same components. */
  project(rows: Matrix): Promise<Matrix<Float64Array>>;
}

/** Components with less than this of the leading one's variance are rounding. */
const varianceFloor = 1e-12;

/**
 * Standardizes the columns (mean 0, standard deviation 1; constant ones are left out) and finds up to `count` principal components,
 * on the smaller side of the matrix. Fewer come back when the rank is smaller; none when every column is constant.
 */
export async function reduceToComponents(rows: Matrix, count: number, { engine, checkpoint }: MeasureContext): Promise<Reduction> {
  const { mean, inverseDeviation, kept } = columnStatistics(rows, checkpoint);
  /** kept x n. */
  const standardize = (matrix: Matrix): Matrix<Float64Array> => {
    const result = zeros(kept.length, matrix.rows);
    const tile = 16;
    for (let from = 0; from < matrix.rows; from += tile) {
      const to = Math.min(from + tile, matrix.rows);
      for (let place = 0; place < kept.length; place++) {
        const j = kept[place] as number;
        const center = mean[j] as number;
        const scale = inverseDeviation[j] as number;
        for (let i = from; i < to; i++) result.data[place * matrix.rows + i] = ((matrix.data[i * matrix.columns + j] as number) - center) * scale;
      }
    }
    return result;
  };
  const standardized = standardize(rows);
  const sideColumns = kept.length <= rows.rows;
  const gram = await engine.gram(standardized, sideColumns ? 'rows' : 'columns', { checkpoint });
  const { values, vectors } = await leadingEigenvectors(engine, gram, Math.min(count, gram.rows), { checkpoint });
  const rank = values.findIndex((value) => !(value > varianceFloor * (values[0] as number)));
  const k = rank < 0 ? values.length : rank;
  let directions: Matrix = { rows: k, columns: vectors.columns, data: vectors.data.subarray(0, k * vectors.columns) };
  if (!sideColumns) {
    // Eigenvectors u of XX' give the directions X'u / sqrt(lambda).
    directions = await engine.gemm(directions, standardized, { transposeB: true, checkpoint });
    for (let i = 0; i < k; i++) {
      const scale = 1 / Math.sqrt(values[i] as number);
      for (let j = i * kept.length; j < (i + 1) * kept.length; j++) directions.data[j] = (directions.data[j] as number) * scale;
    }
  }
  const inComponents = async (matrix: Matrix<Float64Array>) =>
    (await engine.gemm(matrix, directions, { transposeA: true, transposeB: true })) as Matrix<Float64Array>;
  return { scores: await inComponents(standardized), project: (other) => inComponents(standardize(other)) };
}
