import { kernels } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
import type { MeasureContext } from '../contract';
import { distanceMatrix, releaseDistances } from '../neighbours/distanceMatrix';
import { errorFactor } from '../neighbours/distanceTiles';

/** The rows of a matrix about their mean, on a grid so coarse that sums of rows are exact and the same in any order. */
export interface CentredRows {
  /**
   * n x d. Scaled by a power of two so that no number is above 1, and rounded to multiples of a power of two so small (2^-30 for a million rows, 2^-40 for
   * a thousand) that it is nothing beside float32, and so large that any sum of rows fits into float64 without rounding.
   */
  readonly exact: Matrix<Float64Array>;
  /** The same in float32, for products. */
  readonly narrow: Matrix<Float32Array>;
  /** [n] lengths of the rows. */
  readonly norms: Float64Array;
  readonly largestNorm: number;
  /** What the rows were multiplied by: a power of two. */
  readonly scale: number;
  /** How far rounding to the grid can have moved a row. */
  readonly shift: number;
}

/** All squared distances between rows, in other units than those of the rows. */
export interface SquaredDistances {
  readonly matrix: Matrix<Float32Array>;
  /** What an entry is to be multiplied by to be a squared distance of the centred rows: a power of two. */
  readonly unit: number;
  /** Such a distance can be off by `relativeError` (||x||^2 + ||y||^2) + `linearError` (||x|| + ||y|| + `linearError`). */
  readonly relativeError: number;
  readonly linearError: number;
}

/**
 * How far a float32 product of two rows of d numbers is from the exact one, relative to the product of their lengths: d roundings of sums in whatever order
 * and three of the numbers themselves (Higham 2002, section 3.1), and a little more for what is added up in float64 afterwards.
 */
export function productError(columns: number): number {
  return 1.01 * (columns + 4) * 2 ** -24;
}

/** The distances that the measures of neighbours stand on, too. Only for matrices whose distances are kept. */
export async function squaredDistances(given: Matrix, rows: CentredRows, context: MeasureContext): Promise<SquaredDistances> {
  const { squared, points } = await distanceMatrix(given, context);
  const n = given.rows;
  return {
    matrix: { rows: n, columns: n, data: squared },
    unit: (rows.scale / points.scale) ** 2,
    // The distance itself is rounded to float32, too, and it is that of the rows before they were moved to the grid.
    relativeError: 1.01 * (errorFactor(given.columns) + 2 ** -23),
    linearError: 4 * rows.shift,
  };
}

const memo = new WeakMap<Matrix, CentredRows>();

/** Kept by matrix, because every measure of clusters needs them. The rows must be finite. */
export function centredRows(rows: Matrix, { checkpoint }: Pick<MeasureContext, 'checkpoint'>): CentredRows {
  let centred = memo.get(rows);
  if (!centred) {
    centred = centre(rows, checkpoint);
    memo.set(rows, centred);
  }
  return centred;
}

/** Lets go of everything that clustering keeps of these rows but the partitions. */
export function releaseRows(rows: Matrix): void {
  memo.delete(rows);
  releaseDistances(rows);
}

function centre(source: Matrix, checkpoint: () => void): CentredRows {
  const { rows, columns, data } = source;
  const exact = { rows, columns, data: new Float64Array(data.length) };
  const narrow = { rows, columns, data: new Float32Array(data.length) };
  const { addRows, largestAround, markVarying, roundAround } = kernels();
  const block = new RowBlock(source, [columns, columns, columns, source.rows]);
  const [means, varies, first, squares] = block.vectors as [Float64Array, Float64Array, Float64Array, Float64Array];
  means.fill(0);
  varies.fill(0);
  block.visit((from, count) => {
    checkpoint();
    if (from === 0) first.set(block.values.subarray(0, columns));
    addRows(means.byteOffset, block.address, count, columns, 1);
    markVarying(varies.byteOffset, first.byteOffset, block.address, count, columns);
  });
  // The mean of equal numbers need not be that number, and what is left would look like variation.
  for (let j = 0; j < columns; j++) means[j] = varies[j] === 0 ? (first[j] as number) : (means[j] as number) / rows;
  let largest = 0;
  block.visit((_, count) => {
    checkpoint();
    largest = Math.max(largest, largestAround(block.address, count, columns, means.byteOffset));
  });
  // 1023 is as far as one factor goes; rows as small as that are subnormal and have no digits to lose.
  const exponent = largest > 0 ? Math.min(1023, -Math.floor(Math.log2(largest)) - 1) : 0;
  const scale = 2 ** exponent;
  const bits = 50 - Math.ceil(Math.log2(Math.max(1, rows)));
  // Adding a number whose last digit is the grid, and taking it away again, rounds to the grid.
  const rounder = 1.5 * 2 ** (52 - bits);
  const norms = new Float64Array(rows);
  block.visit((from, count) => {
    checkpoint();
    roundAround(block.address, count, columns, means.byteOffset, scale, rounder, squares.byteOffset);
    const own = block.values.subarray(0, count * columns);
    exact.data.set(own, from * columns);
    narrow.data.set(own, from * columns);
    norms.set(squares.subarray(0, count), from);
  });
  let largestNorm = 0;
  for (let row = 0; row < rows; row++) {
    norms[row] = Math.sqrt(norms[row] as number);
    largestNorm = Math.max(largestNorm, norms[row] as number);
  }
  return { exact, narrow, norms, largestNorm, scale, shift: 2 ** (-bits - 1) * Math.sqrt(columns) };
}
