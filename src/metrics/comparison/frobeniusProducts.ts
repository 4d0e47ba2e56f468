import { dot } from '../../linalg/dot';
import type { Matrix } from '../../linalg/matrix';
import type { MeasureContext } from '../contract';
import { type CentredFeatures, centredBlock, centredRows, type Precision } from './centredFeatures';

/** Width of a block: wide enough for full speed of the product, narrow enough that the half which symmetry saves counts. */
const blockWidth = 192;
/** Rows in one product, so that it can be cancelled. */
const chunkRows = 16384;

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
  const xx = await selfProduct(x, precision, () => ofColumns(ofX, null, precision, context));
  const yy = await selfProduct(y, precision, () => ofColumns(ofY, null, precision, context));
  return { xy: await ofColumns(ofX, ofY, precision, context), xx, yy };
}

async function selfProduct({ selfProducts }: CentredFeatures, precision: Precision, compute: () => Promise<number>): Promise<number> {
  const known = selfProducts.get(precision) ?? (await compute());
  selfProducts.set(precision, known);
  return known;
}

function columnBlocks(centred: CentredFeatures, precision: Precision, { checkpoint }: MeasureContext): Matrix[] {
  return evenRanges(centred.features.columns, blockWidth).map(({ start, length }) => {
    checkpoint();
    return centredBlock(centred, start, length, precision);
  });
}

/** ||X'Y||^2, or ||X'X||^2 (of which only the blocks on and below the diagonal are computed) when there is no Y. */
async function ofColumns(ofX: readonly Matrix[], ofY: readonly Matrix[] | null, precision: Precision, context: MeasureContext): Promise<number> {
  let total = 0;
  for (const [place, left] of ofX.entries()) {
    for (const [other, right] of (ofY ?? ofX.slice(0, place + 1)).entries()) {
      const product = await transposedProduct(left, right, precision, context);
      total += (ofY || other === place ? 1 : 2) * sumOfSquares(product.data);
    }
  }
  return total;
}

async function transposedProduct(left: Matrix, right: Matrix, precision: Precision, { engine, checkpoint }: MeasureContext): Promise<Matrix> {
  const size = left.columns * right.columns;
  let product: Matrix | undefined;
  for (const { start, length } of evenRanges(left.rows, chunkRows)) {
    checkpoint();
    const into = precision === 'float64' ? new Float64Array(size) : new Float32Array(size);
    const [a, b] = [rowRange(left, start, length), rowRange(right, start, length)];
    product = await engine.gemm(a, b, { transposeA: true, into, ...(product && { addend: product }) });
  }
  return product ?? { rows: left.columns, columns: right.columns, data: new Float64Array(size) };
}

async function ofRows(x: CentredFeatures, y: CentredFeatures, precision: Precision, { engine, checkpoint }: MeasureContext): Promise<FrobeniusProducts> {
  const ofX = centredRows(x, precision);
  const ofY = centredRows(y, precision);
  const ranges = evenRanges(ofX.rows, blockWidth);
  const total = { xy: 0, xx: 0, yy: 0 };
  for (const [place, row] of ranges.entries()) {
    for (const [other, column] of ranges.slice(0, place + 1).entries()) {
      const block = (of: Matrix) =>
        engine.gemm(rowRange(of, row.start, row.length), rowRange(of, column.start, column.length), { transposeB: true, checkpoint });
      const k = (await block(ofX)).data;
      const l = (await block(ofY)).data;
      const weight = other === place ? 1 : 2;
      total.xy += weight * dot(k, l);
      total.xx += weight * sumOfSquares(k);
      total.yy += weight * sumOfSquares(l);
    }
  }
  for (const [centred, own] of [[x, total.xx], [y, total.yy]] as const) centred.selfProducts.set(precision, own);
  return total;
}

function rowRange({ columns, data }: Matrix, start: number, rows: number): Matrix {
  return { rows, columns, data: data.subarray(start * columns, (start + rows) * columns) };
}

/** Even ranges of at most `most`. */
function evenRanges(length: number, most: number): { start: number; length: number }[] {
  const count = Math.ceil(length / most);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.round((index * length) / count);
    return { start, length: Math.round(((index + 1) * length) / count) - start };
  });
}

function sumOfSquares(values: Float32Array | Float64Array): number {
  return dot(values, values);
}
