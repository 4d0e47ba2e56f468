import { makeReflector } from '../../linalg/householder';
import { kernels } from '../../linalg/kernels';
import { block, type Matrix } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
import { tridiagonalEigenvalues } from '../../linalg/tridiagonal';
import { tridiagonalForm } from '../../linalg/tridiagonalForm';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { type CentredGram, centredGram } from './centredGram';

/** Of the scaled living features Z of a part: overall scale is not in them. */
export interface Spectra {
  /** Squared singular values of Z, ascending: min(n, d). */
  readonly uncentred: Float64Array;
  /** Squared singular values of Z less its mean row, ascending: min(n - 1, d); n - 1 times the eigenvalues of the covariance. Found when first asked for. */
  readonly centred: (context: MeasureContext) => Float64Array;
}

/** Rounding of an eigenvalue, in units of the largest one's; observed errors stay below a tenth of it. */
export const eigenvalueRounding = 32 * Number.EPSILON;

const memo = new WeakMap<PartRows, Spectra>();

/**
 * Both spectra out of one reduction to tridiagonal form. The reduction leaves the first coordinate where it is. Turned so that the mean
 * lies along it, Zc'Zc and Z'Z = Zc'Zc + n m m' differ in one element, and so do their tridiagonal forms. On the side of the rows, Zc Zc' has nothing
 * along 1 = (1, .., 1)', and ZZ' = Zc Zc' + u 1' + 1 u' + |m|^2 1 1' with u = Zc m adds one row that couples with u alone: turned so that
 * u lies along the first of the other coordinates, the tridiagonal form of ZZ' is that of Zc Zc' with one more row on top.
 * Only for parts that have a spectrum.
 */
export async function spectra(part: PartRows, context: MeasureContext): Promise<Spectra> {
  let known = memo.get(part);
  if (!known) {
    const gram = await centredGram(part, context);
    known = gram.side === 'columns' ? await ofColumns(gram, part.features.rows, context) : await ofRows(gram, context);
    memo.set(part, known);
  }
  return known;
}

async function ofColumns({ gram, mean }: CentredGram, rows: number, context: MeasureContext): Promise<Spectra> {
  context.checkpoint();
  const { form, scale } = await tridiagonal(turned(gram, mean), context);
  const lifted = form.diagonal.map((value) => value / scale);
  lifted[0] = (lifted[0] as number) + rows * squaredLength(mean);
  const uncentred = eigenvalues(lifted, form.offDiagonal.map((value) => value / scale), 1, context);
  return {
    uncentred,
    centred: once((asking) => {
      const centred = eigenvalues(form.diagonal, form.offDiagonal, scale, asking);
      return centred.slice(Math.max(0, centred.length - (rows - 1)));
    }),
  };
}

async function ofRows({ gram, mean, alongMean }: CentredGram, context: MeasureContext): Promise<Spectra> {
  const rows = gram.rows;
  const ones = new Float64Array(rows).fill(1 / Math.sqrt(rows));
  const { direction, matrix } = turnedWith(gram, ones, alongMean as Float64Array);
  context.checkpoint();
  const along = direction.subarray(1);
  const { form, scale } = await tridiagonal(turned(block(matrix, 1, 1, rows - 1, rows - 1), along), context);
  const unscaled = (values: Float64Array) => values.map((value) => value / scale);
  const bordered = Float64Array.of(rows * squaredLength(mean), ...unscaled(form.diagonal));
  const coupling = Float64Array.of(Math.sqrt(rows * squaredLength(along)), ...unscaled(form.offDiagonal));
  return { uncentred: eigenvalues(bordered, coupling, 1, context), centred: once((asking) => eigenvalues(form.diagonal, form.offDiagonal, scale, asking)) };
}

function once(find: (context: MeasureContext) => Float64Array): (context: MeasureContext) => Float64Array {
  let known: Float64Array | undefined;
  return (context) => (known ??= find(context));
}

/** Of the matrix times a power of two: beside a large mean it can be so small that its squares underflow. The matrix is overwritten. */
async function tridiagonal(
  matrix: Matrix<Float64Array>,
  { engine, checkpoint }: MeasureContext,
): Promise<{ form: Awaited<ReturnType<typeof tridiagonalForm>>; scale: number }> {
  let largest = 0;
  for (let i = 0; i < matrix.data.length; i += matrix.rows + 1) largest = Math.max(largest, matrix.data[i] as number);
  const scale = largest > 0 ? 2 ** -Math.max(-1000, Math.floor(Math.log2(largest))) : 1;
  if (scale !== 1) for (let i = 0; i < matrix.data.length; i++) matrix.data[i] = (matrix.data[i] as number) * scale;
  return { form: await tridiagonalForm(engine, matrix, { checkpoint }), scale };
}

function eigenvalues(diagonal: Float64Array, offDiagonal: Float64Array, scale: number, { checkpoint }: MeasureContext): Float64Array {
  return tridiagonalEigenvalues(diagonal, offDiagonal, undefined, checkpoint).map((value) => value / scale);
}

/** HAH with the reflector H that brings `direction` to the first coordinate. */
function turned(matrix: Matrix<Float64Array>, direction: Float64Array): Matrix<Float64Array> {
  return turnedWith(matrix, direction, null).matrix;
}

/** HAH, and H times another vector. */
function turnedWith(
  { rows, columns, data }: Matrix<Float64Array>,
  direction: Float64Array,
  other: Float64Array | null,
): { matrix: Matrix<Float64Array>; direction: Float64Array } {
  const matrix = { rows, columns, data: data.slice() };
  const image = other ? other.slice() : new Float64Array(rows);
  // Scaled to keep the squares of a tiny mean from underflow.
  const largest = direction.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return { matrix, direction: image };
  const v = direction.map((value) => value / largest);
  const tau = makeReflector(v, 0, rows);
  v[0] = 1;
  // HAH = A - v w' - w v' with w = tau (A v - tau/2 (v'Av) v).
  const { subtractRankTwo, timesVector } = kernels();
  const block = new RowBlock(matrix, [rows, rows]);
  const [own, w] = block.vectors as [Float64Array, Float64Array];
  own.set(v);
  block.visit((first, count) => timesVector(block.address, count, columns, own.byteOffset, w.byteOffset + first * Float64Array.BYTES_PER_ELEMENT));
  const half = (tau / 2) * dot(v, w);
  for (let i = 0; i < rows; i++) w[i] = tau * ((w[i] as number) - half * (v[i] as number));
  block.visit((first, count) => {
    subtractRankTwo(block.address, first, count, columns, own.byteOffset, w.byteOffset);
    matrix.data.set(block.values.subarray(0, count * columns), first * columns);
  });
  const along = tau * dot(v, image);
  for (let i = 0; i < rows; i++) image[i] = (image[i] as number) - along * (v[i] as number);
  return { matrix, direction: image };
}

function squaredLength(vector: Float64Array): number {
  return dot(vector, vector);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
