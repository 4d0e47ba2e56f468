import { dot } from '../../linalg/dot';
import { withOwnSpace } from '../../linalg/kernels';
import { block, type Matrix } from '../../linalg/matrix';
import { tridiagonalEigenvalues } from '../../linalg/tridiagonal';
import { tridiagonalForm } from '../../linalg/tridiagonalForm';
import { turnBack, turnTo } from '../../linalg/turning';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { type CentredGram, centredGram } from './centredGram';
import { type ReducedGram, reducedGram, scaleOf } from './reducedGram';

/** Of the scaled living features Z of a part: overall scale is not in them. */
export interface Spectra {
  /** Squared singular values of Z, ascending: min(n, d). */
  readonly uncentred: Float64Array;
  /** Squared singular values of Z less its mean row, ascending: min(n - 1, d); n - 1 times the eigenvalues of the covariance. Found when first asked for. */
  readonly centred: (context: MeasureContext) => Float64Array;
}

/** Rounding of an eigenvalue, in units of the largest one's; errors seen on Gram matrices stay below half of it. */
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
    known = gram.side === 'columns' ? ofColumns(await reducedGram(part, context), gram.mean, part.features.rows, context) : await ofRows(gram, context);
    memo.set(part, known);
  }
  return known;
}

function ofColumns({ diagonal, offDiagonal, scale }: ReducedGram, mean: Float64Array, rows: number, context: MeasureContext): Spectra {
  const lifted = diagonal.map((value) => value / scale);
  lifted[0] = (lifted[0] as number) + rows * dot(mean, mean);
  return {
    uncentred: eigenvalues(lifted, offDiagonal.map((value) => value / scale), 1, context),
    centred: once((asking) => {
      const centred = eigenvalues(diagonal, offDiagonal, scale, asking);
      return centred.slice(Math.max(0, centred.length - (rows - 1)));
    }),
  };
}

async function ofRows({ gram, mean, alongMean }: CentredGram, context: MeasureContext): Promise<Spectra> {
  const { engine, checkpoint } = context;
  const rows = gram.rows;
  checkpoint();
  const { rest, along } = await apartFromOnes(gram, alongMean as Float64Array);
  const scale = scaleOf(rest);
  const form = await tridiagonalForm(engine, rest, { scale, along, checkpoint });
  const unscaled = (values: Float64Array) => values.map((value) => value / scale);
  const bordered = Float64Array.of(rows * dot(mean, mean), ...unscaled(form.diagonal));
  const coupling = Float64Array.of(Math.sqrt(rows * dot(along, along)), ...unscaled(form.offDiagonal));
  return {
    uncentred: eigenvalues(bordered, coupling, 1, context),
    centred: once((asking) => eigenvalues(form.diagonal, form.offDiagonal, scale, asking)),
  };
}

/** Zc Zc' and u = Zc m in coordinates of which the first lies along 1, without that one. */
function apartFromOnes({ rows, data }: Matrix<Float64Array>, u: Float64Array): Promise<{ rest: Matrix<Float64Array>; along: Float64Array }> {
  return withOwnSpace((space) => {
    const [own, vector, image] = space.layOut(rows * rows, rows, rows);
    own.set(data);
    const matrix = { rows, columns: rows, data: own };
    const turned = { rows: 1, columns: rows, data: u.slice() };
    const turn = turnTo(space.kernels, matrix, new Float64Array(rows).fill(1), [vector, image]);
    if (turn) turnBack(turned, turn);
    return Promise.resolve({ rest: block(matrix, 1, 1, rows - 1, rows - 1), along: turned.data.slice(1) });
  });
}

function once(find: (context: MeasureContext) => Float64Array): (context: MeasureContext) => Float64Array {
  let known: Float64Array | undefined;
  return (context) => (known ??= find(context));
}

function eigenvalues(diagonal: Float64Array, offDiagonal: Float64Array, scale: number, { checkpoint }: MeasureContext): Float64Array {
  return tridiagonalEigenvalues(diagonal, offDiagonal, undefined, checkpoint).map((value) => value / scale);
}
