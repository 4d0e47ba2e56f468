import { kernels } from '../../linalg/kernels';
import { leadingEigenvectors } from '../../linalg/leadingEigenvectors';
import { type Matrix, rowsOf, zeros } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
import { sum } from '../bootstrap';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { centredGram } from '../spectrum/centredGram';
import { livingFeatures } from '../spectrum/livingFeatures';
import { isKept, reducedGram } from '../spectrum/reducedGram';

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

type Found = Omit<LeadingComponents, 'explained'>;

/** As many as any measure asks for are found at once, because most of the work is the same for one. */
const usualCount = 16;
const memo = new WeakMap<PartRows, Found>();

/**
 * Principal components from the Gram matrix that spectra are taken of too.
 * @param count Up to the smaller of n - 1 and the number of features that are not always zero.
 * Only for parts that have a spectrum and rows that differ.
 */
export async function leadingComponents(part: PartRows, count: number, context: MeasureContext): Promise<LeadingComponents> {
  let known = memo.get(part);
  if (!known || known.squares.length < count) {
    const most = Math.min(part.features.rows - 1, livingFeatures(part).features.columns);
    known = await find(part, Math.max(count, Math.min(usualCount, most)), context);
    memo.set(part, known);
  }
  return first(known, count, (await centredGram(part, context)).centredSquares);
}

async function find(part: PartRows, count: number, context: MeasureContext): Promise<Found> {
  const { side, gram, mean } = await centredGram(part, context);
  // By the size alone, so that values do not depend on what else is measured.
  const reduced = side === 'columns' && isKept(gram) ? await reducedGram(part, context) : undefined;
  const { values, vectors } = await leadingEigenvectors(context.engine, gram, count, { checkpoint: context.checkpoint, reduced });
  const { features, scale } = livingFeatures(part);
  const scores = zeros(features.rows, count);
  if (side === 'columns') await project(features, scale, mean, vectors, scores, context);
  else {
    for (let c = 0; c < count; c++) {
      const length = Math.sqrt(Math.max(0, values[c] as number));
      for (let i = 0; i < features.rows; i++) scores.data[i * count + c] = length * (vectors.data[c * vectors.columns + i] as number);
    }
  }
  return { scores, scale, squares: values.map((value) => Math.max(0, value)) };
}

function first({ scores, scale, squares }: Found, count: number, total: number): LeadingComponents {
  const own = squares.slice(0, count);
  const explained = sum(own) / total;
  if (count === scores.columns) return { scores, scale, squares: own, explained };
  const taken = zeros(scores.rows, count);
  for (let i = 0; i < scores.rows; i++) taken.data.set(scores.data.subarray(i * scores.columns, i * scores.columns + count), i * count);
  return { scores: taken, scale, squares: own, explained };
}

/** Rows centred at a time, so that memory does not grow with the probe. */
const rowsAtOnce = 256;

async function project(
  features: Matrix,
  scale: number,
  mean: Float64Array,
  directions: Matrix<Float64Array>,
  scores: Matrix<Float64Array>,
  { engine, checkpoint }: MeasureContext,
): Promise<void> {
  for (let first = 0; first < features.rows; first += rowsAtOnce) {
    checkpoint();
    const count = Math.min(rowsAtOnce, features.rows - first);
    const into = scores.data.subarray(first * scores.columns, (first + count) * scores.columns);
    await engine.gemm(centredRows(rowsOf(features, first, count), scale, mean), directions, { transposeB: true, into });
  }
}

function centredRows(some: Matrix, scale: number, mean: Float64Array): Matrix<Float64Array> {
  const { rows, columns } = some;
  const centred = zeros(rows, columns);
  const block = new RowBlock(some, [columns]);
  const [own] = block.vectors as [Float64Array];
  own.set(mean);
  block.visit((first, count) => {
    kernels().centre(block.address, count, columns, own.byteOffset, scale);
    centred.data.set(block.values.subarray(0, count * columns), first * columns);
  });
  return centred;
}
