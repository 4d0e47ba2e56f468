import { leadingEigenvectors } from '../../linalg/leadingEigenvectors';
import { type Matrix, zeros } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { centredGram } from '../spectrum/centredGram';
import { livingFeatures } from '../spectrum/livingFeatures';

export interface LeadingComponents {
  /**
   * n x count coordinates along the principal components of all rows of the part, the widest first; features times `scale`, centred, not
   * standardized.
   */
  readonly scores: Matrix<Float64Array>;
  /** A power of two. */
  readonly scale: number;
  /** [count] variances times n - 1, descending. */
  readonly squares: Float64Array;
  /** Share of the variance that lies in them. */
  readonly explained: number;
}

/**
 * Principal components from the Gram matrix that spectra are taken of too.
 * @param count Up to the smaller of n - 1 and the number of features that are not always zero.
 * Only for parts that have a spectrum and rows that differ.
 */
export async function leadingComponents(part: PartRows, count: number, context: MeasureContext): Promise<LeadingComponents> {
  const { side, gram, mean, centredSquares } = await centredGram(part, context);
  const { values, vectors } = await leadingEigenvectors(context.engine, gram, count, { checkpoint: context.checkpoint });
  const { features, scale } = livingFeatures(part);
  const scores = zeros(features.rows, count);
  for (let c = 0; c < count; c++) {
    const length = Math.sqrt(Math.max(0, values[c] as number));
    if (side === 'rows') for (let i = 0; i < features.rows; i++) scores.data[i * count + c] = length * (vectors.data[c * vectors.columns + i] as number);
  }
  if (side === 'columns') await project(features, scale, mean, vectors, scores, context);
  const squares = values.map((value) => Math.max(0, value));
  return { scores, scale, squares, explained: squares.reduce((sum, square) => sum + square, 0) / centredSquares };
}

/** Rows centred at a time, so that memory does not grow with the probe. */
const rowsAtOnce = 256;

async function project(
  { rows, columns, data }: Matrix,
  scale: number,
  mean: Float64Array,
  directions: Matrix<Float64Array>,
  scores: Matrix<Float64Array>,
  { engine, checkpoint }: MeasureContext,
): Promise<void> {
  for (let first = 0; first < rows; first += rowsAtOnce) {
    checkpoint();
    const count = Math.min(rowsAtOnce, rows - first);
    const centred = { rows: count, columns, data: new Float64Array(data.subarray(first * columns, (first + count) * columns)) };
    for (let start = 0; start < centred.data.length; start += columns) {
      for (let j = 0; j < columns; j++) centred.data[start + j] = (centred.data[start + j] as number) * scale - (mean[j] as number);
    }
    const into = scores.data.subarray(first * scores.columns, (first + count) * scores.columns);
    await engine.gemm(centred, directions, { transposeB: true, into });
  }
}
