import { kernels } from '../linalg/kernels';
import type { Matrix } from '../linalg/matrix';
import { RowBlock } from '../linalg/rowBlock';
import type { LayerFeatures } from './contract';

export type Part = 'train' | 'held_out';

/** In the order of the records. */
export const parts: readonly Part[] = ['train', 'held_out'];

/** The rows of one part of a probe, the views of a sample side by side, samples in order of their ids: file order does not matter. */
export interface PartRows {
  readonly part: Part;
  /** n x d, as in the file but for `unit`. */
  readonly features: Matrix;
  /** What the file's numbers were multiplied by to keep their squares finite: a power of two, mostly 1. Most measures do not depend on it. */
  readonly unit: number;
  /** [samples] ids, ascending. */
  readonly sampleIds: readonly bigint[];
  /** [samples] class, -1 = not labelled. */
  readonly labels: Int32Array;
  /** [samples + 1] where the rows of each sample begin. */
  readonly starts: Int32Array;
  /** Smallest number of views a sample has. */
  readonly views: number;
  readonly notFinite: RowFault | null;
  readonly allZero: RowFault | null;
  /** The largest magnitude of all features; of no use where some are not finite. */
  readonly largest: number;
}

export interface RowFault {
  readonly rows: number;
  /** The first such row, counted from 0 in the file. */
  readonly first: number;
}

/** Squares of numbers within this range, and sums of them, are normal float64 numbers. */
const comfortable = { low: 2 ** -400, high: 2 ** 400 };

const memo = new WeakMap<LayerFeatures, Map<Part, PartRows | null>>();

/** One part of the layer; null when the probe has no rows of it. */
export function partRows(layer: LayerFeatures, part: Part): PartRows | null {
  let known = memo.get(layer);
  if (!known) {
    known = new Map();
    memo.set(layer, known);
  }
  let rows = known.get(part);
  if (rows === undefined) {
    const gathered = gather(layer, part);
    rows = gathered.sampleIds.length > 0 ? gathered : null;
    known.set(part, rows);
  }
  return rows;
}

function gather(layer: LayerFeatures, part: Part): PartRows {
  const wanted = part === 'train' ? 0 : 1;
  const rowsOf: number[][] = layer.sampleIds.map(() => []);
  for (let row = 0; row < layer.sample.length; row++) {
    const sample = layer.sample[row] as number;
    if (layer.split[sample] === wanted) rowsOf[sample]?.push(row);
  }
  const samples = [...rowsOf.keys()].filter((sample) => (rowsOf[sample] as number[]).length > 0);
  const id = (sample: number) => layer.sampleIds[sample] as bigint;
  samples.sort((a, b) => (id(a) < id(b) ? -1 : id(a) > id(b) ? 1 : 0));

  const starts = new Int32Array(samples.length + 1);
  for (const [place, sample] of samples.entries()) starts[place + 1] = (starts[place] as number) + (rowsOf[sample] as number[]).length;
  const rows = starts[samples.length] as number;
  const { columns, data } = layer.features;
  const { firstRow = 0 } = layer;
  /** Rows of the layer. */
  const places = new Int32Array(rows);
  let views = Infinity;
  let place = 0;
  for (const sample of samples) {
    const own = rowsOf[sample] as number[];
    views = Math.min(views, own.length);
    for (const row of own) places[place++] = row;
  }
  let gathered = takeRows(data, columns, places);
  const sizes = largestSizes({ rows, columns, data: gathered });
  let notFinite: RowFault | null = null;
  let allZero: RowFault | null = null;
  let largest = 0;
  let unit = 1;
  for (let row = 0; row < rows; row++) {
    const size = sizes[row] as number;
    if (!Number.isFinite(size)) notFinite = addFault(notFinite, firstRow + (places[row] as number));
    else if (size === 0) allZero = addFault(allZero, firstRow + (places[row] as number));
    else largest = Math.max(largest, size);
  }
  if (gathered instanceof Float64Array && !notFinite && largest > 0 && (largest < comfortable.low || largest > comfortable.high)) {
    unit = 2 ** -Math.max(-1000, Math.floor(Math.log2(largest)));
    gathered = gathered.map((value) => value * unit);
    largest *= unit;
  }
  const sampleIds = samples.map(id);
  const labels = Int32Array.from(samples, (sample) => layer.label[sample] as number);
  return { part, features: { rows, columns, data: gathered }, unit, sampleIds, labels, starts, views: samples.length === 0 ? 0 : views, notFinite, allZero, largest };
}

/** Rows that follow each other, as those of a part mostly do, are not copied. */
function takeRows(data: Float32Array | Float64Array, columns: number, rows: Int32Array): Float32Array | Float64Array {
  const first = rows[0] ?? 0;
  if (rows.every((row, place) => row === first + place)) return data.subarray(first * columns, (first + rows.length) * columns);
  const taken = data instanceof Float64Array ? new Float64Array(rows.length * columns) : new Float32Array(rows.length * columns);
  for (const [place, row] of rows.entries()) taken.set(data.subarray(row * columns, (row + 1) * columns), place * columns);
  return taken;
}

/** [rows] the largest magnitude in each; not finite where something in it is not. */
function largestSizes(matrix: Matrix): Float64Array {
  const { rows, columns } = matrix;
  const block = new RowBlock(matrix, [rows]);
  const [sizes] = block.vectors as [Float64Array];
  block.visit((first, count) => {
    kernels().largestSizes(block.address, count, columns, sizes.byteOffset + first * Float64Array.BYTES_PER_ELEMENT);
  });
  return sizes.slice();
}

function addFault(fault: RowFault | null, row: number): RowFault {
  return fault ? { rows: fault.rows + 1, first: Math.min(fault.first, row) } : { rows: 1, first: row };
}

const normalizedMemo = new WeakMap<PartRows, Matrix<Float64Array>>();

/** The rows scaled to length 1, in float64. Only for parts whose rows are finite and not all zero. */
export function normalizedRows(part: PartRows): Matrix<Float64Array> {
  let normalized = normalizedMemo.get(part);
  if (!normalized) {
    normalized = normalizeRows(part.features);
    normalizedMemo.set(part, normalized);
  }
  return normalized;
}

function normalizeRows(features: Matrix): Matrix<Float64Array> {
  const { rows, columns, data } = features;
  const result = new Float64Array(data.length);
  const block = new RowBlock(features, [rows]);
  const [squares] = block.vectors as [Float64Array];
  block.visit((first, count) => {
    kernels().normalize(block.address, count, columns, squares.byteOffset + first * Float64Array.BYTES_PER_ELEMENT);
    result.set(block.values.subarray(0, count * columns), first * columns);
  });
  for (let row = 0; row < rows; row++) {
    if (!isComfortable(squares[row] as number)) normalizeFarRow(data, result, row * columns, columns);
  }
  return { rows, columns, data: result };
}

/** Whether a sum of squares has lost nothing to the ends of float64. */
function isComfortable(squares: number): boolean {
  return squares >= 1e-280 && squares <= 1e280;
}

function normalizeFarRow(from: Float32Array | Float64Array, to: Float64Array, start: number, length: number): void {
  let largest = 0;
  for (let j = start; j < start + length; j++) largest = Math.max(largest, Math.abs(from[j] as number));
  // In two factors: the reciprocal of a subnormal number overflows.
  const scale = 2 ** -Math.max(-1000, Math.floor(Math.log2(largest)));
  let squares = 0;
  for (let j = start; j < start + length; j++) squares += ((from[j] as number) * scale) ** 2;
  const inverse = 1 / Math.sqrt(squares);
  for (let j = start; j < start + length; j++) to[j] = (from[j] as number) * scale * inverse;
}
