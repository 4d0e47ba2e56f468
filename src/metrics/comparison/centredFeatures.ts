import { type ColumnShift, type ColumnsPlace, placeColumns, placeColumnsNarrow, visitShifted } from '../../linalg/columnShift';
import { kernels } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
import type { PartRows } from '../partRows';

export type Precision = 'float32' | 'float64';

/** The features of a part seen from their mean: entry (i, j) is (x_ij - mean_j) * scale, exactly 0 where the feature is constant. */
export interface CentredFeatures {
  readonly features: Matrix;
  readonly mean: Float64Array;
  /** A power of two that brings the largest entry near 1, so that fourth powers stay within the range of the numbers. */
  readonly scale: number;
  /** [rows] squared length of each centred, scaled row. */
  readonly squares: Float64Array;
  /** ||X'X||_F^2 of the centred, scaled features by precision, once it was needed. */
  readonly selfProducts: Map<Precision, number>;
}

const memo = new WeakMap<PartRows, CentredFeatures>();

/** Only for parts whose rows are finite. */
export function centredFeatures(part: PartRows): CentredFeatures {
  let centred = memo.get(part);
  if (!centred) {
    centred = centre(part.features);
    memo.set(part, centred);
  }
  return centred;
}

function centre(features: Matrix): CentredFeatures {
  const { rows, columns, data } = features;
  const varies = varyingColumns(features);
  const mean = columnSums(features);
  // The rounded mean of equal values must not look like variation.
  for (let j = 0; j < columns; j++) mean[j] = varies[j] === 1 ? (mean[j] as number) / rows : (data[j] as number);
  if (data instanceof Float64Array) refineMean(features, mean);
  const squares = squaredLengths(features, mean);
  const largest = squares.reduce((most, square) => Math.max(most, square), 0);
  const scale = largest > 0 ? 2 ** -Math.round(Math.log2(largest) / 2) : 1;
  for (let i = 0; i < rows; i++) squares[i] = (squares[i] as number) * scale * scale;
  return { features, mean, scale, squares, selfProducts: new Map() };
}

function columnSums(features: Matrix): Float64Array {
  const { columns } = features;
  const block = new RowBlock(features, [columns]);
  const [sums] = block.vectors as [Float64Array];
  sums.fill(0);
  block.visit((_, count) => {
    kernels().addRows(sums.byteOffset, block.address, count, columns, 1);
  });
  return sums.slice();
}

/** [rows] of the features less their mean. */
function squaredLengths(features: Matrix, mean: Float64Array): Float64Array {
  const { rows, columns } = features;
  const squares = new Float64Array(rows);
  const block = new RowBlock(features, [columns]);
  const [own] = block.vectors as [Float64Array];
  own.set(mean);
  block.visit((first, count) => {
    kernels().centre(block.address, count, columns, own.byteOffset, 1);
    for (let i = 0; i < count; i++) squares[first + i] = kernels().sumSquares(block.address + i * columns * Float64Array.BYTES_PER_ELEMENT, columns);
  });
  return squares;
}

/** What rounding left of the mean would be a direction of its own where float64 features hardly vary beside it. */
function refineMean({ rows, columns, data }: Matrix, mean: Float64Array): void {
  const left = new Float64Array(columns);
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j++) left[j] = (left[j] as number) + ((data[start + j] as number) - (mean[j] as number));
  }
  for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + (left[j] as number) / rows;
}

/** [columns] 1 where not all rows have the same value. Most columns differ between the first rows already. */
function varyingColumns({ rows, columns, data }: Matrix): Uint8Array {
  const varies = new Uint8Array(columns);
  let constant = columns;
  for (let row = 1; row < rows && constant > 0; row++) {
    for (let j = 0; j < columns; j++) {
      if (varies[j] === 0 && data[row * columns + j] !== data[j]) {
        varies[j] = 1;
        constant -= 1;
      }
    }
  }
  return varies;
}

/** Whether every feature has one value in all rows. */
export function isConstant({ squares }: CentredFeatures): boolean {
  return squares.every((square) => square === 0);
}

/** The centred features as rows x columns. */
export function centredRows(centred: CentredFeatures, precision: Precision): Matrix {
  const { rows, columns } = centred.features;
  const data = precision === 'float64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns);
  visitShifted(centred.features, shiftOf(centred), 1, (values, first, count) => data.set(values.subarray(0, count * columns), first * columns));
  return { rows, columns, data };
}

/** The same as columns x rows, in the memory of kernels. */
export function placeCentredColumns(centred: CentredFeatures, precision: Precision, place: ColumnsPlace): void {
  if (precision === 'float64') placeColumns(centred.features, shiftOf(centred), place);
  else placeColumnsNarrow(centred.features, shiftOf(centred), place);
}

/** Both factors are scaled by a power of two, which loses nothing. */
function shiftOf({ mean, scale }: CentredFeatures): ColumnShift {
  return { scale, first: mean.map((one) => one * scale), rest: null, factor: null };
}
