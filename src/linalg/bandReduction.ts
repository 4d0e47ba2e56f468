import type { Engine, WorkOptions } from './engine';
import { kernels, layOut } from './kernels';
import { type Matrix, rowsOf, zeros } from './matrix';

/** A symmetric band matrix: element (i, j), j <= i <= j + 2 * bandwidth, is `data[j * stride + i - j]`; the outer half is room for bulges. */
export interface SymmetricBand {
  readonly size: number;
  readonly bandwidth: number;
  readonly stride: number;
  readonly data: Float64Array;
}

type Products = Pick<Engine, 'gemm'>;

/** Panels whose updates are put off and done together: long sums make fast products. Measured. */
const panelsTogether = 4;
/** Rows that are updated at a time. */
const chunkRows = 256;

/** A factor I - V T V' of Q. */
export interface PanelReflectors {
  /** V': bandwidth x size. */
  readonly v: Matrix<Float64Array>;
  /** bandwidth x bandwidth. */
  readonly t: Matrix<Float64Array>;
}

export interface ReductionOptions extends WorkOptions {
  /** Receives the factors of Q, from the left to the right. */
  readonly keep?: (factor: PanelReflectors) => void;
}

/**
 * Q'AQ with the given bandwidth: first half of the two-stage reduction to tridiagonal form (Bischof, Lang & Sun 2000).
 * Nearly all its work is products with panels on the engine, where a direct tridiagonalization is half matrix-vector products.
 * The matrix is overwritten. Q leaves the first coordinate where it is.
 */
export async function reduceToBand(
  engine: Products,
  matrix: Matrix<Float64Array>,
  bandwidth: number,
  options: ReductionOptions,
): Promise<SymmetricBand> {
  const size = matrix.rows;
  const stride = 2 * bandwidth + 1;
  const band: SymmetricBand = { size, bandwidth, stride, data: new Float64Array(size * stride) };
  const space = new Workspace(size, bandwidth);
  let trailing = matrix;
  while (trailing.rows > bandwidth + 1) {
    const group = await reducePanels(engine, trailing, band, space, options);
    trailing = await update(engine, trailing, group, space, options);
  }
  copyDiagonalBlock(trailing, 0, trailing.rows, band, size - trailing.rows);
  return band;
}

/** Memory that all groups of panels use again: fresh memory would cost as much as the products. */
class Workspace {
  private readonly buffers = new Map<string, Float64Array>();

  constructor(
    private readonly size: number,
    private readonly bandwidth: number,
  ) {}

  /** A matrix of undefined numbers under a name of its own. It has at most as many elements as the widest factor or the largest chunk. */
  matrix(name: string, rows: number, columns: number): Matrix<Float64Array> {
    let buffer = this.buffers.get(name);
    if (!buffer) {
      buffer = new Float64Array(this.size * (name === 'chunk' ? Math.min(this.size, chunkRows) : 2 * this.bandwidth * panelsTogether));
      this.buffers.set(name, buffer);
    }
    return { rows, columns, data: buffer.subarray(0, rows * columns) };
  }
}

/** What panels do to the matrix A that they were taken from: it becomes A - W Z' without its first `finished` rows and columns. */
interface Group {
  readonly finished: number;
  /** For each panel V and Y in W, Y and V in Z. Rows are A's; finished ones are undefined. */
  readonly w: Matrix<Float64Array>;
  readonly z: Matrix<Float64Array>;
}

/** Reduces some panels. The matrix itself stays as it was; what is needed of it is brought up to date on the way. */
async function reducePanels(
  engine: Products,
  matrix: Matrix<Float64Array>,
  band: SymmetricBand,
  space: Workspace,
  { keep, ...options }: ReductionOptions,
): Promise<Group> {
  const size = matrix.rows;
  const { bandwidth } = band;
  const offset = band.size - size;
  const count = Math.min(panelsTogether, Math.ceil((size - bandwidth - 1) / bandwidth));
  const width = 2 * bandwidth * count;
  const [w, z] = [space.matrix('w', size, width), space.matrix('z', size, width)];
  // The same by columns, one panel's after the other's, zero where rows are finished.
  const [wColumns, zColumns] = [space.matrix('wColumns', width, size), space.matrix('zColumns', width, size)];
  const p = space.matrix('p', size, bandwidth);
  p.data.fill(0);
  for (let panel = 0; panel < count; panel++) {
    options.checkpoint?.();
    const start = panel * bandwidth;
    const known = 2 * start;
    const [w0, z0] = [rowsOf(wColumns, 0, known), rowsOf(zColumns, 0, known)];
    // Its columns are rows of a symmetric matrix.
    const rows = space.matrix('panel', bandwidth, size);
    rows.data.set(rowsOf(matrix, start, bandwidth).data);
    if (panel > 0) {
      const right = columnsOf(z0, start, bandwidth);
      await engine.gemm(right, w0, { transposeA: true, scale: -1, addend: rows, into: rows.data, ...options });
    }
    copyDiagonalBlock(rows, start, bandwidth, band, offset + start);
    const first = start + bandwidth;
    const v = rowsOf(wColumns, known, bandwidth);
    const t = factorizePanel(rows, first, v, band, offset + start);
    keep?.(widened(v, t, band.size));
    await engine.gemm(rowsOf(matrix, first, size - first), v, { transposeB: true, into: p.data.subarray(first * bandwidth), ...options });
    if (panel > 0) {
      const zv = await engine.gemm(z0, v, { transposeB: true, ...options });
      await engine.gemm(w0, zv, { transposeA: true, scale: -1, addend: p, into: p.data, ...options });
    }
    const y = rowsOf(wColumns, known + bandwidth, bandwidth);
    rankUpdateFactor(v, p, t, first, y, w, z, known);
    rowsOf(zColumns, known, bandwidth).data.set(y.data);
    rowsOf(zColumns, known + bandwidth, bandwidth).data.set(v.data);
  }
  return { finished: count * bandwidth, w, z };
}

/** A - W Z' without what is finished, at the front of the same memory. Only the lower triangle is computed; the upper one is its mirror image. */
async function update(
  engine: Products,
  matrix: Matrix<Float64Array>,
  { finished, w, z }: Group,
  space: Workspace,
  options: WorkOptions,
): Promise<Matrix<Float64Array>> {
  const { rows: size, data } = matrix;
  const rest = size - finished;
  const [left, right] = [rowsOf(w, finished, rest), rowsOf(z, finished, rest)];
  for (let start = 0; start < rest; start += chunkRows) {
    options.checkpoint?.();
    const end = Math.min(rest, start + chunkRows);
    const chunk = space.matrix('chunk', end - start, end);
    for (let i = start; i < end; i++) {
      const from = (finished + i) * size + finished;
      chunk.data.set(data.subarray(from, from + end), (i - start) * end);
    }
    await engine.gemm(rowsOf(left, start, chunk.rows), rowsOf(right, 0, end), { transposeB: true, scale: -1, addend: chunk, into: chunk.data, ...options });
    // No row moves beyond where it came from, and mirrored elements go to rows that have moved already.
    for (let i = start; i < end; i++) data.set(chunk.data.subarray((i - start) * end, (i - start + 1) * end), i * rest);
    mirrorRows(data, rest, start, end);
  }
  return { rows: rest, columns: rest, data: data.subarray(0, rest * rest) };
}

/** Copies columns before `start` of rows `start` to `end` over the same rows of these columns, in tiles that stay in the cache. */
function mirrorRows(data: Float64Array, size: number, start: number, end: number): void {
  const tile = 8;
  for (let columnTile = 0; columnTile < start; columnTile += tile) {
    const lastColumn = Math.min(columnTile + tile, start);
    for (let rowTile = start; rowTile < end; rowTile += tile) {
      const lastRow = Math.min(rowTile + tile, end);
      for (let j = columnTile; j < lastColumn; j++) {
        for (let i = rowTile; i < lastRow; i++) data[j * size + i] = data[i * size + j] as number;
      }
    }
  }
}

/** A copy that begins at the first column of all. */
function widened(v: Matrix, t: Float64Array, size: number): PanelReflectors {
  const result = zeros(v.rows, size);
  for (let j = 0; j < v.rows; j++) result.data.set(v.data.subarray(j * v.columns, (j + 1) * v.columns), (j + 1) * size - v.columns);
  return { v: result, t: { rows: v.rows, columns: v.rows, data: t } };
}

/** A copy of the given columns. */
function columnsOf({ rows, columns, data }: Matrix, start: number, count: number): Matrix<Float64Array> {
  const result = zeros(rows, count);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < count; j++) result.data[i * count + j] = data[i * columns + start + j] as number;
  }
  return result;
}

/** What the first `size` rows have from column `start` on, right of the diagonal block's diagonal, goes into the band at `offset`. */
function copyDiagonalBlock({ columns, data }: Matrix, start: number, size: number, band: SymmetricBand, offset: number): void {
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) band.data[(offset + j) * band.stride + i - j] = data[j * columns + start + i] as number;
  }
}

/** The panel, lying, is what these rows have from column `first` on: Q R with Q = I - V T V'. V' goes to `v`, R into the band at `offset`; the answer is T. */
function factorizePanel(lying: Matrix<Float64Array>, first: number, v: Matrix<Float64Array>, band: SymmetricBand, offset: number): Float64Array {
  const { bandwidth, stride, data } = band;
  const rows = lying.columns - first;
  const [panel, r, t] = layOut(rows * bandwidth, bandwidth ** 2, bandwidth ** 2);
  for (let j = 0; j < bandwidth; j++) panel.set(lying.data.subarray(j * lying.columns + first, (j + 1) * lying.columns), j * rows);
  r.fill(0);
  t.fill(0);
  kernels().factorizePanel(panel.byteOffset, rows, bandwidth, r.byteOffset, t.byteOffset);
  for (let j = 0; j < bandwidth; j++) {
    v.data.fill(0, j * v.columns, j * v.columns + first);
    v.data.set(panel.subarray(j * rows, (j + 1) * rows), j * v.columns + first);
    for (let i = 0; i <= Math.min(j, rows - 1); i++) data[(offset + j) * stride + bandwidth + i - j] = r[i * bandwidth + j] as number;
  }
  return t.slice();
}

/**
 * Y of the update A - V Y' - Y V' with P = A V: by columns into `y`, and next to V into W and Z from column `place` on. What lies before row
 * `first` is finished.
 */
function rankUpdateFactor(
  v: Matrix<Float64Array>,
  p: Matrix<Float64Array>,
  t: Float64Array,
  first: number,
  y: Matrix<Float64Array>,
  w: Matrix<Float64Array>,
  z: Matrix<Float64Array>,
  place: number,
): void {
  const { rows: columns, columns: size } = v;
  const rows = size - first;
  const [ownV, ownP, ownT, ownY, lying, work] = layOut(rows * columns, rows * columns, t.length, rows * columns, 2 * rows * columns, 2 * columns ** 2);
  for (let j = 0; j < columns; j++) ownV.set(v.data.subarray(j * size + first, (j + 1) * size), j * rows);
  ownP.set(p.data.subarray(first * columns));
  ownT.set(t);
  kernels().rankUpdateFactor(ownV.byteOffset, ownP.byteOffset, ownT.byteOffset, rows, columns, ownY.byteOffset, lying.byteOffset, work.byteOffset);
  for (let j = 0; j < columns; j++) {
    y.data.fill(0, j * size, j * size + first);
    y.data.set(ownY.subarray(j * rows, (j + 1) * rows), j * size + first);
  }
  for (let i = 0; i < rows; i++) {
    const to = (first + i) * w.columns + place;
    const from = 2 * i * columns;
    for (let j = 0; j < columns; j++) {
      const ofV = lying[from + j] as number;
      const ofY = lying[from + columns + j] as number;
      w.data[to + j] = ofV;
      w.data[to + columns + j] = ofY;
      z.data[to + j] = ofY;
      z.data[to + columns + j] = ofV;
    }
  }
}
