import { type ColumnShift, shiftedRows } from '../linalg/columnShift';
import { leadingEigenvectors } from '../linalg/leadingEigenvectors';
import { evenParts, type Matrix, rowsOf, zeros } from '../linalg/matrix';
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
/** Rows that are brought into components at a time. */
const rowsAtOnce = 256;

/**
 * Standardizes the columns (mean 0, standard deviation 1; constant ones are left out) and finds up to `count` principal components,
 * on the smaller side of the matrix. Fewer come back when the rank is smaller; none when every column is constant.
 */
export async function reduceToComponents(matrix: Matrix, count: number, { engine, checkpoint }: MeasureContext): Promise<Reduction> {
  const { mean, inverseDeviation, kept } = columnStatistics(matrix, checkpoint);
  const of = (vector: Float64Array) => Float64Array.from(kept, (j) => vector[j] as number);
  const centring: ColumnShift = { scale: 1, first: of(mean), rest: null, factor: null };
  const deviations = of(inverseDeviation);
  const standardizing: ColumnShift = { ...centring, factor: deviations };
  const rows = takeColumns(matrix, kept);
  const side = kept.length <= rows.rows ? 'columns' : 'rows';
  const gram = await engine.gram(rows, side, { shift: standardizing, checkpoint });
  const { values, vectors } = await leadingEigenvectors(engine, gram, Math.min(count, gram.rows), { checkpoint });
  const rank = values.findIndex((value) => !(value > varianceFloor * (values[0] as number)));
  const k = rank < 0 ? values.length : rank;
  let directions: Matrix = { rows: k, columns: vectors.columns, data: vectors.data.subarray(0, k * vectors.columns) };
  if (side === 'rows') {
    // Eigenvectors u of XX' give the directions X'u / sqrt(lambda).
    directions = await engine.gemm(directions, shiftedRows(rows, standardizing), { checkpoint });
    for (let i = 0; i < k; i++) {
      const scale = 1 / Math.sqrt(values[i] as number);
      for (let j = i * kept.length; j < (i + 1) * kept.length; j++) directions.data[j] = (directions.data[j] as number) * scale;
    }
  }
  // Directions carry the deviations, so that rows need only be centred.
  const scaled = zeros(k, kept.length);
  for (let i = 0; i < scaled.data.length; i++) scaled.data[i] = (directions.data[i] as number) * (deviations[i % kept.length] as number);
  const inComponents = async (some: Matrix): Promise<Matrix<Float64Array>> => {
    const result = zeros(some.rows, k);
    for (const { start, length } of evenParts(some.rows, rowsAtOnce)) {
      checkpoint();
      await engine.gemm(shiftedRows(rowsOf(some, start, length), centring), scaled, { transposeB: true, into: rowsOf(result, start, length).data, checkpoint });
    }
    return result;
  };
  return { scores: await inComponents(rows), project: (other) => inComponents(takeColumns(other, kept)) };
}

/** Not copied where all are wanted. */
function takeColumns(matrix: Matrix, kept: Int32Array): Matrix {
  const { rows, columns, data } = matrix;
  if (kept.length === columns) return matrix;
  const taken = data instanceof Float64Array ? new Float64Array(rows * kept.length) : new Float32Array(rows * kept.length);
  for (let i = 0; i < rows; i++) {
    for (const [place, j] of kept.entries()) taken[i * kept.length + place] = data[i * columns + j] as number;
  }
  return { rows, columns: kept.length, data: taken };
}
