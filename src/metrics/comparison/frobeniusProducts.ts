import { dot } from '../../linalg/dot';
import { type KernelSpace, withOwnSpace } from '../../linalg/kernels';
import { evenParts, type Matrix, rowsOf } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { placeCentredColumns, type CentredFeatures, centredRows, type Precision } from './centredFeatures';

/** Width of a block: wide enough for full speed of the product, narrow enough that the half which symmetry saves counts. */
const blockWidth = 192;

/** Squared Frobenius norms that linear CKA is made of. */
export interface FrobeniusProducts {
  /** ||X'Y||^2 = <XX', YY'> */
  readonly xy: number;
  readonly xx: number;
  readonly yy: number;
}

/**
 * By d x d blocks of X'Y (`columns`) or n x n blocks of XX' and YY' (`rows`), which give the same numbers. No product is kept whole; its squares
 * are summed in float64. What is known of X or Y by itself is not computed again.
 */
export async function frobeniusProducts(
  x: CentredFeatures,
  y: CentredFeatures,
  side: 'columns' | 'rows',
  precision: Precision,
  context: MeasureContext,
): Promise<FrobeniusProducts> {
  return side === 'rows' ? ofRows(x, y, precision, context) : withOwnSpace((space) => ofColumns(x, y, precision, space, context));
}

async function ofColumns(x: CentredFeatures, y: CentredFeatures, precision: Precision, space: KernelSpace, context: MeasureContext): Promise<FrobeniusProducts> {
  const { rows, columns } = x.features;
  const ofType = (numbers: number) => (precision === 'float64' ? numbers : Math.ceil(numbers / 2));
  const lengths = [rows * columns, rows * y.features.columns, blockWidth ** 2].map(ofType);
  for (const [at, centred] of [x, y].entries()) {
    context.checkpoint();
    placeCentredColumns(centred, precision, { space, lengths, at });
  }
  context.checkpoint();
  // Only now, as the memory can have moved while it was filled.
  const [lyingX, lyingY, product] = space.layOut(...lengths).map((room) => (precision === 'float64' ? room : new Float32Array(room.buffer, room.byteOffset, 2 * room.length)));
  const blocksOf = (lying: Float32Array | Float64Array | undefined, size: number) =>
    evenParts(size, blockWidth).map(({ start, length }): Matrix => ({ rows: length, columns: rows, data: (lying as Float64Array).subarray(start * rows, (start + length) * rows) }));
  const [ofX, ofY] = [blocksOf(lyingX, columns), blocksOf(lyingY, y.features.columns)];
  const { sumSquares, sumSquaresNarrow } = space.kernels;
  const squared = async (left: Matrix, right: Matrix): Promise<number> => {
    context.checkpoint();
    const into = (product as Float64Array).subarray(0, left.rows * right.rows);
    await context.engine.gemm(left, right, { transposeB: true, into, checkpoint: context.checkpoint });
    return (precision === 'float64' ? sumSquares : sumSquaresNarrow)(into.byteOffset, into.length);
  };
  return {
    xx: await selfProduct(x, precision, () => ofSelf(ofX, squared)),
    yy: await selfProduct(y, precision, () => ofSelf(ofY, squared)),
    xy: await ofPair(ofX, ofY, squared),
  };
}

async function selfProduct({ selfProducts }: CentredFeatures, precision: Precision, compute: () => Promise<number>): Promise<number> {
  const known = selfProducts.get(precision) ?? (await compute());
  selfProducts.set(precision, known);
  return known;
}

type Squared = (left: Matrix, right: Matrix) => Promise<number>;

/** ||X'Y||^2 */
async function ofPair(ofX: readonly Matrix[], ofY: readonly Matrix[], squared: Squared): Promise<number> {
  let total = 0;
  for (const left of ofX) for (const right of ofY) total += await squared(left, right);
  return total;
}

/** ||X'X||^2, of which only the blocks on and below the diagonal are computed. */
async function ofSelf(ofX: readonly Matrix[], squared: Squared): Promise<number> {
  let total = 0;
  for (const [place, left] of ofX.entries()) {
    for (const [other, right] of ofX.slice(0, place + 1).entries()) total += (other === place ? 1 : 2) * (await squared(left, right));
  }
  return total;
}

async function ofRows(x: CentredFeatures, y: CentredFeatures, precision: Precision, { engine, checkpoint }: MeasureContext): Promise<FrobeniusProducts> {
  const ofX = centredRows(x, precision);
  const ofY = centredRows(y, precision);
  const ranges = evenParts(ofX.rows, blockWidth);
  const total = { xy: 0, xx: 0, yy: 0 };
  for (const [place, row] of ranges.entries()) {
    for (const [other, column] of ranges.slice(0, place + 1).entries()) {
      const block = (of: Matrix) =>
        engine.gemm(rowsOf(of, row.start, row.length), rowsOf(of, column.start, column.length), { transposeB: true, checkpoint });
      const k = (await block(ofX)).data;
      const l = (await block(ofY)).data;
      const weight = other === place ? 1 : 2;
      total.xy += weight * dot(k, l);
      total.xx += weight * dot(k, k);
      total.yy += weight * dot(l, l);
    }
  }
  for (const [centred, own] of [[x, total.xx], [y, total.yy]] as const) centred.selfProducts.set(precision, own);
  return total;
}
