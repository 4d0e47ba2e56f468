import { dot } from '../../linalg/dot';
import { evenParts, type Matrix, rowsOf } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { centredColumns, type CentredFeatures, centredRows, type Precision } from './centredFeatures';

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
  if (side === 'rows') return ofRows(x, y, precision, context);
  const ofX = columnBlocks(x, precision, context);
  const ofY = columnBlocks(y, precision, context);
  const xx = await selfProduct(x, precision, () => ofColumns(ofX, null, context));
  const yy = await selfProduct(y, precision, () => ofColumns(ofY, null, context));
  return { xy: await ofColumns(ofX, ofY, context), xx, yy };
}

async function selfProduct({ selfProducts }: CentredFeatures, precision: Precision, compute: () => Promise<number>): Promise<number> {
  const known = selfProducts.get(precision) ?? (await compute());
  selfProducts.set(precision, known);
  return known;
}

function columnBlocks(centred: CentredFeatures, precision: Precision, { checkpoint }: MeasureContext): Matrix[] {
  checkpoint();
  const lying = centredColumns(centred, precision);
  checkpoint();
  return evenParts(lying.rows, blockWidth).map(({ start, length }) => rowsOf(lying, start, length));
}

/** ||X'Y||^2, or ||X'X||^2 (of which only the blocks on and below the diagonal are computed) when there is no Y. */
async function ofColumns(ofX: readonly Matrix[], ofY: readonly Matrix[] | null, { engine, checkpoint }: MeasureContext): Promise<number> {
  let total = 0;
  for (const [place, left] of ofX.entries()) {
    for (const [other, right] of (ofY ?? ofX.slice(0, place + 1)).entries()) {
      checkpoint();
      const { data } = await engine.gemm(left, right, { transposeB: true, checkpoint });
      total += (ofY || other === place ? 1 : 2) * dot(data, data);
    }
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
