import type { Matrix } from '../../linalg/matrix';
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
  const mean = new Float64Array(columns);
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const start = row * columns;
    for (let j = 0; j < columns; j++) {
      const at = start + j;
      const upper = (data[at] as number) + (data[at + columns] as number);
      const lower = (data[at + 2 * columns] as number) + (data[at + 3 * columns] as number);
      mean[j] = (mean[j] as number) + (upper + lower);
    }
  }
  for (; row < rows; row++) for (let j = 0; j < columns; j++) mean[j] = (mean[j] as number) + (data[row * columns + j] as number);
  // The rounded mean of equal values must not look like variation.
  for (let j = 0; j < columns; j++) mean[j] = varies[j] === 1 ? (mean[j] as number) / rows : (data[j] as number);
  if (data instanceof Float64Array) refineMean(features, mean);

  const squares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let total = 0;
    let other = 0;
    const start = i * columns;
    const even = columns - (columns % 2);
    for (let j = 0; j < even; j += 2) {
      const value = (data[start + j] as number) - (mean[j] as number);
      const next = (data[start + j + 1] as number) - (mean[j + 1] as number);
      total += value * value;
      other += next * next;
    }
    if (even < columns) total += ((data[start + even] as number) - (mean[even] as number)) ** 2;
    squares[i] = total + other;
  }
  const largest = squares.reduce((most, square) => Math.max(most, square), 0);
  const scale = largest > 0 ? 2 ** -Math.round(Math.log2(largest) / 2) : 1;
  for (let i = 0; i < rows; i++) squares[i] = (squares[i] as number) * scale * scale;
  return { features, mean, scale, squares, selfProducts: new Map() };
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
  return centredBlock(centred, 0, centred.features.columns, precision);
}

/** Columns `first` .. `first + count - 1` of the centred features, side by side. */
export function centredBlock({ features, mean, scale }: CentredFeatures, first: number, count: number, precision: Precision): Matrix {
  const { rows, columns, data } = features;
  const block = precision === 'float64' ? new Float64Array(rows * count) : new Float32Array(rows * count);
  for (let i = 0; i < rows; i++) {
    const from = i * columns + first;
    const to = i * count;
    for (let j = 0; j < count; j++) block[to + j] = ((data[from + j] as number) - (mean[first + j] as number)) * scale;
  }
  return { rows, columns: count, data: block };
}
