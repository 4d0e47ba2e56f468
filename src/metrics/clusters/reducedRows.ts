import type { Engine } from '../../linalg/engine';
import { kernels } from '../../linalg/kernels';
import { type Matrix, rowsOf, zeros } from '../../linalg/matrix';
import { RowBlock } from '../../linalg/rowBlock';
import type { MeasureContext } from '../contract';
import { Random, randomPurpose } from '../random';
import type { CentredRows } from './centredRows';

/** Dimensions in which starts are looked for. Rows that are no wider stay as they are. */
const dimensions = 16;
/** Lengths of rows and of directions as whole numbers. A product of 65536 of them is off by less than 2^16 2^-53 2^22 2^12 = 1/8. */
const rowUnits = 2 ** 22;
const directionUnits = 2 ** 12;
/** Longer rows than this, in median lengths, are shortened: a few outliers must not leave the others without digits. */
const longestRow = 8;
const blockRows = 512;

const memo = new WeakMap<CentredRows, Promise<Matrix<Float64Array>>>();

/**
 * The rows projected on few directions in which they vary most: an orthonormal basis of random sums of rows (Halko, Martinsson & Tropp 2011, algorithm 4.1).
 * Products are taken of whole numbers that are small enough for their error to be below one half in whatever order an engine adds; rounded, they are exact and the
 * same on every engine.
 */
export function reducedRows(rows: CentredRows, context: MeasureContext): Promise<Matrix<Float64Array>> {
  let reduced = memo.get(rows);
  if (!reduced) {
    reduced = rows.exact.columns <= dimensions ? Promise.resolve(rows.exact) : reduce(rows, context);
    // A cancelled computation must not be remembered.
    reduced.catch(() => memo.delete(rows));
    memo.set(rows, reduced);
  }
  return reduced;
}

async function reduce(rows: CentredRows, { engine, checkpoint }: MeasureContext): Promise<Matrix<Float64Array>> {
  const { rows: n, columns } = rows.exact;
  const unit = unitOf(rows.norms);
  const random = new Random(randomPurpose.clusters);
  const sums = zeros(dimensions, columns);
  for (let from = 0; from < n; from += blockRows) {
    checkpoint();
    const block = wholeNumbers(rows, from, Math.min(blockRows, n - from), unit);
    const signs = zeros(dimensions, block.rows);
    for (let i = 0; i < signs.data.length; i++) signs.data[i] = random.next32() % 2 === 0 ? 1 : -1;
    const product = await exactProduct(engine, signs, block, false);
    for (let i = 0; i < product.length; i++) sums.data[i] = (sums.data[i] as number) + (product[i] as number);
  }
  checkpoint();
  const directions = orthonormalDirections(sums);
  const reduced = zeros(n, directions.rows);
  for (let from = 0; from < n; from += blockRows) {
    checkpoint();
    const block = wholeNumbers(rows, from, Math.min(blockRows, n - from), unit);
    reduced.data.set(await exactProduct(engine, block, directions, true), from * directions.rows);
  }
  return reduced;
}

/** Length that becomes `rowUnits`. */
function unitOf(norms: Float64Array): number {
  const sorted = norms.slice().sort();
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  const largest = sorted[sorted.length - 1] as number;
  return median > 0 ? Math.min(largest, longestRow * median) : largest;
}

function wholeNumbers({ exact, norms }: CentredRows, from: number, count: number, unit: number): Matrix<Float64Array> {
  const { columns } = exact;
  const whole = zeros(count, columns);
  const block = new RowBlock(rowsOf(exact, from, count), [count]);
  const [factors] = block.vectors as [Float64Array];
  for (let i = 0; i < count; i++) factors[i] = rowUnits / Math.max(unit, norms[from + i] as number);
  block.visit((first, rows) => {
    kernels().roundToWhole(block.address, rows, columns, factors.byteOffset + first * Float64Array.BYTES_PER_ELEMENT);
    whole.data.set(block.values.subarray(0, rows * columns), first * columns);
  });
  return whole;
}

async function exactProduct(engine: Engine, a: Matrix<Float64Array>, b: Matrix<Float64Array>, transposeB: boolean): Promise<Float64Array> {
  const { data } = (await engine.gemm(a, b, { transposeB })) as Matrix<Float64Array>;
  for (let i = 0; i < data.length; i++) data[i] = Math.round(data[i] as number);
  return data;
}

/** Rows made orthonormal by Gram-Schmidt, twice over, and then whole numbers; those that depend on others are left out. */
function orthonormalDirections({ rows, columns, data }: Matrix<Float64Array>): Matrix<Float64Array> {
  const kept: Float64Array[] = [];
  for (let i = 0; i < rows; i++) {
    const row = data.slice(i * columns, (i + 1) * columns);
    const length = Math.sqrt(dot(row, row));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of kept) {
        const share = dot(row, other);
        for (let j = 0; j < columns; j++) row[j] = (row[j] as number) - share * (other[j] as number);
      }
    }
    const left = Math.sqrt(dot(row, row));
    if (!(left > 1e-9 * length)) continue;
    for (let j = 0; j < columns; j++) row[j] = (row[j] as number) / left;
    kept.push(row);
  }
  const directions = zeros(kept.length, columns);
  for (const [i, row] of kept.entries()) directions.data.set(row.map((value) => Math.round(value * directionUnits)), i * columns);
  return directions;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] as number) * (b[j] as number);
  return sum;
}
