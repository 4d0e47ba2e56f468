import { kernels } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';
import { RowBlock, rowsInBlock } from '../../linalg/rowBlock';
import type { MeasureContext } from '../contract';

/** Rows seen from their mean: distances do not change by that, but cancellation in them does. */
export interface CentredPoints {
  /** As given. */
  readonly source: Matrix;
  /** A power of two that brings centred entries within the range of float32: mostly 1. Squared distances here are in units of 1 / scale^2. */
  readonly scale: number;
  readonly mean: Float64Array;
  /** [rows] squared length of each centred, scaled row. */
  readonly squares: Float64Array;
}

/** With what products need. */
export interface NarrowPoints extends CentredPoints {
  /** (source - mean) * scale; `squares` are those of these numbers. */
  readonly narrow: Matrix<Float32Array>;
}

/** Some rows against some columns of the matrix of squared distances; entry (i, j) is `squared[i * columns + j]`. */
export interface DistanceTile {
  readonly firstRow: number;
  readonly rows: number;
  readonly firstColumn: number;
  readonly columns: number;
  /** In the units of the points. Written over by the next tile. */
  readonly squared: Float32Array;
}

/**
 * Below this share of ||x||^2 + ||y||^2 a squared distance is what cancellation left of it, and is computed again from the differences of
 * the rows in float64. The 2 bounds the share of a tile for which that is quicker than a product in float64.
 */
const cancelled = { narrow: 2 ** -8, wide: 2 ** -24, mostOfTile: 2 ** -3 };
/**
 * A product reads its right factor once a tile, so tiles of many rows are quicker; on the diagonal, where half of a tile is wasted, strips
 * of few rows are. Multiplications are few enough that work can be cancelled.
 */
const tileSize = { rows: 512, strip: 128, columns: 1024, multiplications: 1.4e9 };

/**
 * The worst error of a squared distance that was not computed again, in units of ||x||^2 + ||y||^2 (from the mean): the product's
 * (any order of summation: Higham 2002, section 3.1) and that of rounding rows to float32. The usual error is about its square root's order
 * smaller, as roundings cancel.
 */
export function errorFactor(columns: number): number {
  return (columns + 8) * 2 ** -24;
}

/** Squared distances under this share of ||x||^2 + ||y||^2 are exact but for their rounding to float32. */
export function exactBelow(columns: number): number {
  return Math.max(cancelled.narrow, 4 * errorFactor(columns));
}

/** Squared lengths of centred rows within these need no scaling: parts a millionth of the longest row are still far from the ends of float32. */
const comfortable = { low: 2 ** -40, high: 2 ** 60 };

/** @param like Points whose mean and scale are taken instead, so that distances between both can be formed. */
export function centrePoints(source: Matrix, like?: CentredPoints): NarrowPoints {
  const { rows, columns } = source;
  const mean = like?.mean ?? columnMeans(source);
  const narrow = new Float32Array(rows * columns);
  const squares = new Float64Array(rows);
  let scale = like?.scale ?? 1;
  const longest = centreRows(source, mean, scale, narrow, squares);
  if (!like && !(longest >= comfortable.low && longest <= comfortable.high)) {
    const largest = largestCentred(source, mean);
    if (largest > 0) scale = 2 ** -Math.max(-1000, Math.floor(Math.log2(largest)));
    centreRows(source, mean, scale, narrow, squares);
  }
  return { source, scale, mean, narrow: { rows, columns, data: narrow }, squares };
}

/** Answers with the largest squared length. */
function centreRows(source: Matrix, mean: Float64Array, scale: number, narrow: Float32Array, squares: Float64Array): number {
  const { columns } = source;
  const atOnce = rowsInBlock(source, 1);
  const block = new RowBlock(source, [columns, atOnce, Math.ceil((atOnce * columns) / 2)]);
  const [centre, lengths, room] = block.vectors as [Float64Array, Float64Array, Float64Array];
  const rounded = new Float32Array(room.buffer, room.byteOffset, atOnce * columns);
  centre.set(mean);
  block.visit((first, count) => {
    kernels().narrowAround(block.address, count, columns, centre.byteOffset, scale, rounded.byteOffset, lengths.byteOffset);
    narrow.set(rounded.subarray(0, count * columns), first * columns);
    squares.set(lengths.subarray(0, count), first);
  });
  return squares.reduce((longest, square) => (square <= longest ? longest : square), 0);
}

function largestCentred({ columns, data }: Matrix, mean: Float64Array): number {
  let largest = 0;
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j++) largest = Math.max(largest, Math.abs((data[start + j] as number) - (mean[j] as number)));
  }
  return largest;
}

function columnMeans(source: Matrix): Float64Array {
  const { rows, columns } = source;
  const block = new RowBlock(source, [columns]);
  const [sums] = block.vectors as [Float64Array];
  sums.fill(0);
  block.visit((_, count) => {
    kernels().addRows(sums.byteOffset, block.address, count, columns, 1);
  });
  return sums.map((sum) => sum / rows);
}

/** Squared distance of two rows from their differences, in float64: the same digits on every engine. */
export function exactSquare(a: CentredPoints, i: number, b: CentredPoints, j: number): number {
  const { columns } = a.source;
  const { scale } = a;
  const left = a.source.data;
  const right = b.source.data;
  const from = i * columns;
  const to = j * columns;
  const even = columns - (columns & 1);
  let sum = 0;
  let other = 0;
  for (let c = 0; c < even; c += 2) {
    const first = ((left[from + c] as number) - (right[to + c] as number)) * scale;
    const second = ((left[from + c + 1] as number) - (right[to + c + 1] as number)) * scale;
    sum += first * first;
    other += second * second;
  }
  if (even < columns) sum += (((left[from + even] as number) - (right[to + even] as number)) * scale) ** 2;
  return sum + other;
}

/** All pairs of points once: tiles that cover everything right of the diagonal. Entries on it and left of it mean nothing. */
export async function visitUpperTiles(points: NarrowPoints, context: MeasureContext, visit: (tile: DistanceTile) => void): Promise<void> {
  const product = new TileProduct(points, points, context);
  const { rows: n, columns: d } = points.narrow;
  const rows = Math.max(tileSize.strip, Math.min(tileSize.rows, Math.floor(Math.sqrt(tileSize.multiplications / Math.max(1, d)))));
  const columns = Math.min(tileSize.columns, Math.max(tileSize.strip, Math.floor(tileSize.multiplications / (rows * Math.max(1, d)))));
  for (let first = 0; first < n; first += rows) {
    const end = Math.min(first + rows, n);
    for (let strip = first; strip < end; strip += tileSize.strip) {
      visit(await product.tile(strip, Math.min(tileSize.strip, end - strip), strip, end - strip));
    }
    for (let column = end; column < n; column += columns) visit(await product.tile(first, end - first, column, Math.min(columns, n - column)));
  }
}

/** All queries against all points: tiles of whole rows. */
export async function visitRowTiles(queries: NarrowPoints, points: NarrowPoints, context: MeasureContext, visit: (tile: DistanceTile) => void): Promise<void> {
  const product = new TileProduct(queries, points, context);
  const { rows: n, columns: d } = points.narrow;
  const rows = Math.max(1, Math.min(tileSize.rows, Math.floor(tileSize.multiplications / Math.max(1, n * d))));
  for (let first = 0; first < queries.narrow.rows; first += rows) visit(await product.tile(first, Math.min(rows, queries.narrow.rows - first), 0, n));
}

class TileProduct {
  private readonly cancelledBelow: number;
  private buffer = new Float32Array(0);
  private wide: { readonly left: Matrix<Float64Array>; readonly right: Matrix<Float64Array> } | null = null;

  constructor(
    private readonly left: NarrowPoints,
    private readonly right: NarrowPoints,
    private readonly context: MeasureContext,
  ) {
    this.cancelledBelow = exactBelow(left.narrow.columns);
  }

  async tile(firstRow: number, rows: number, firstColumn: number, columns: number): Promise<DistanceTile> {
    const { engine, checkpoint } = this.context;
    checkpoint();
    if (this.buffer.length < rows * columns) this.buffer = new Float32Array(rows * columns);
    const squared = this.buffer.subarray(0, rows * columns);
    const tile = { firstRow, rows, firstColumn, columns, squared };
    await engine.gemm(takeRows(this.left.narrow, firstRow, rows), takeRows(this.right.narrow, firstColumn, columns), { transposeB: true, into: squared, checkpoint });
    const near = toSquares(tile, squared, this.left.squares.subarray(firstRow), this.right.squares.subarray(firstColumn), this.cancelledBelow);
    if (near.length <= cancelled.mostOfTile * squared.length) this.recompute(tile, near);
    else await this.recomputeWide(tile);
    return tile;
  }

  private recompute({ firstRow, firstColumn, columns, squared }: DistanceTile, places: readonly number[]): void {
    const pause = Math.max(1, Math.floor(2e7 / this.left.narrow.columns));
    for (const [index, at] of places.entries()) {
      if (index % pause === 0) this.context.checkpoint();
      const i = Math.floor(at / columns);
      squared[at] = exactSquare(this.left, firstRow + i, this.right, firstColumn + (at - i * columns));
    }
  }

  /** Groups of points much closer to each other than to the mean: too many pairs to go through one by one. */
  private async recomputeWide(tile: DistanceTile): Promise<void> {
    const { engine, checkpoint } = this.context;
    const { firstRow, rows, firstColumn, columns } = tile;
    if (!this.wide) {
      const left = wideRows(this.left);
      this.wide = { left, right: this.left === this.right ? left : wideRows(this.right) };
    }
    const left = takeRows(this.wide.left, firstRow, rows);
    const right = takeRows(this.wide.right, firstColumn, columns);
    const product = await engine.gemm(left, right, { transposeB: true, checkpoint });
    this.recompute(tile, toSquares(tile, product.data, rowSquares(left), rowSquares(right), cancelled.wide));
  }
}

/** Products into squared distances; answers with the places of those that cancellation has eaten. */
function toSquares(
  { rows, columns, squared }: DistanceTile,
  products: Float32Array | Float64Array,
  ofRows: Float64Array,
  ofColumns: Float64Array,
  cancelledBelow: number,
): number[] {
  const near: number[] = [];
  for (let i = 0; i < rows; i++) {
    const own = ofRows[i] as number;
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      const sum = own + (ofColumns[j] as number);
      const square = sum - 2 * (products[at] as number);
      squared[at] = square;
      if (square < cancelledBelow * sum) near.push(at);
    }
  }
  return near;
}

function takeRows<Data extends Float32Array | Float64Array>({ columns, data }: Matrix<Data>, first: number, rows: number): Matrix<Data> {
  return { rows, columns, data: data.subarray(first * columns, (first + rows) * columns) as Data };
}

function wideRows({ source, mean, scale }: CentredPoints): Matrix<Float64Array> {
  const { rows, columns, data } = source;
  const wide = new Float64Array(data.length);
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j++) wide[start + j] = ((data[start + j] as number) - (mean[j] as number)) * scale;
  }
  return { rows, columns, data: wide };
}

function rowSquares({ rows, columns, data }: Matrix<Float64Array>): Float64Array {
  const squares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = i * columns; j < (i + 1) * columns; j++) sum += (data[j] as number) * (data[j] as number);
    squares[i] = sum;
  }
  return squares;
}
