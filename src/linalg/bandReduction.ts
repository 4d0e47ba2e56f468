import type { Engine, WorkOptions } from './engine';
import { type KernelSpace, withOwnSpace } from './kernels';
import { block, type Matrix, rowsOf } from './matrix';
import { turnTo, type Turn } from './turning';

/** A symmetric band matrix: element (i, j), j <= i <= j + 2 * bandwidth, is `data[j * stride + i - j]`; the outer half is room for bulges. */
export interface SymmetricBand {
  readonly size: number;
  readonly bandwidth: number;
  readonly stride: number;
  readonly data: Float64Array;
}

type Products = Pick<Engine, 'gemm'>;

/** Panels whose updates are put off and done together: long sums make fast products. Measured. */
const panelsTogether = 3;
/** Rows that are updated at a time. */
const chunkRows = 128;

/** A factor of Q: I - V T V' of the last coordinates, as many as V has; it leaves those before them as they are. */
export interface PanelReflectors {
  /** V': bandwidth x some of the last coordinates. */
  readonly v: Matrix<Float64Array>;
  /** bandwidth x bandwidth. */
  readonly t: Matrix<Float64Array>;
}

export interface ReductionOptions extends WorkOptions {
  /** A factor before the matrix, a power of two. Default 1. */
  readonly scale?: number;
  /** A direction that Q brings to the first coordinate. Default: Q leaves the first coordinate where it is. */
  readonly along?: Float64Array;
  /** Receives the factors of Q after the one that turns `along`, from the left to the right. */
  readonly keep?: (factor: PanelReflectors) => void;
}

export interface BandForm {
  readonly band: SymmetricBand;
  /** The first factor of Q, when there is a direction to turn. */
  readonly turn: Turn | null;
}

/**
 * Q'AQ with the given bandwidth: first half of the two-stage reduction to tridiagonal form (Bischof, Lang & Sun 2000).
 * Nearly all its work is products with panels on the engine, where a direct tridiagonalization is half matrix-vector products.
 * The matrix stays as it is.
 */
export function reduceToBand(engine: Products, matrix: Matrix<Float64Array>, bandwidth: number, options: ReductionOptions): Promise<BandForm> {
  return withOwnSpace(async (space) => {
    const size = matrix.rows;
    const room = layOutRoom(space, size, bandwidth);
    const a = view(room.matrix, size, size);
    a.data.set(matrix.data);
    if (options.scale !== undefined && options.scale !== 1) space.kernels.scale(a.data.byteOffset, options.scale, a.data.length);
    const turn = options.along ? turnTo(space.kernels, a, options.along, room.vectors) : null;
    const stride = 2 * bandwidth + 1;
    const band: SymmetricBand = { size, bandwidth, stride, data: new Float64Array(size * stride) };
    let rest = size;
    while (rest > bandwidth + 1) {
      const finished = await reducePanels(engine, rest, band, room, options);
      await update(engine, rest, finished, room, options);
      rest -= finished;
    }
    copyDiagonalBlock(view(room.matrix, rest, rest), 0, rest, band, size - rest);
    return { band, turn };
  });
}

/** The memory of a reduction is the kernels' own, so that nothing is copied between them and the engine. Its parts, some larger than what they hold. */
type Room = ReturnType<typeof layOutRoom>;

function layOutRoom(space: KernelSpace, size: number, bandwidth: number) {
  const width = 2 * bandwidth * panelsTogether;
  const [matrix, w, lyingW, lyingZ, product, p, r, t, work, vector, image] = space.layOut(
    size * (size + width), size * width, size * width, size * width, size * Math.min(size, chunkRows),
    (size + width) * bandwidth, bandwidth ** 2, bandwidth ** 2, 2 * bandwidth * (size + bandwidth), size, size,
  );
  return {
    kernels: space.kernels,
    /** What is left of A, and right behind it Z' as W': a product with both is one. */
    matrix,
    /** W': for each panel V and Y, by columns, zero where rows are finished; Y and V in Z. Panels turn A into A - W Z'. */
    w,
    /** W and Z by rows. */
    lyingW, lyingZ,
    /** Some rows of W Z'. */
    product,
    /** A V, and right behind it Z'V. */
    p,
    /** Of the panel. */
    r, t, work,
    vectors: [vector, image] as const,
  };
}

function view(data: Float64Array, rows: number, columns: number, start = 0): Matrix<Float64Array> {
  return { rows, columns, data: data.subarray(start, start + rows * columns) };
}

/** Reduces some panels of A, which is size x size, and answers with how many rows and columns are finished. A itself stays as it was. */
async function reducePanels(engine: Products, size: number, band: SymmetricBand, room: Room, { keep, checkpoint }: ReductionOptions): Promise<number> {
  const { bandwidth } = band;
  const offset = band.size - size;
  const count = Math.min(panelsTogether, Math.ceil((size - bandwidth - 1) / bandwidth));
  const width = 2 * bandwidth * count;
  const [w, z] = [view(room.w, width, size), view(room.matrix, width, size, size * size)];
  room.p.fill(0);
  for (let panel = 0; panel < count; panel++) {
    checkpoint?.();
    const start = panel * bandwidth;
    const first = start + bandwidth;
    const known = 2 * start;
    const [w0, z0] = [rowsOf(w, 0, known), rowsOf(z, 0, known)];
    const [v, y] = [rowsOf(w, known, bandwidth), rowsOf(w, known + bandwidth, bandwidth)];
    // Its columns are rows of a symmetric matrix.
    const rows = view(room.matrix, bandwidth, size, start * size);
    if (panel === 0) v.data.set(rows.data);
    else await engine.gemm(columnsOf(z0, start, bandwidth), w0, { transposeA: true, scale: -1, addend: rows, into: v.data, checkpoint });
    copyDiagonalBlock(v, start, bandwidth, band, offset + start);
    factorizePanel(v, first, room, band, offset + start);
    if (keep) keep({ v: columnsOf(v, first, size - first), t: { rows: bandwidth, columns: bandwidth, data: room.t.slice() } });
    const products = view(room.p, size - first + known, bandwidth, first * bandwidth);
    await engine.gemm(view(room.matrix, products.rows, size, first * size), v, { transposeB: true, into: products.data, checkpoint });
    if (panel > 0) {
      const p = view(room.p, size, bandwidth);
      const zv = view(room.p, known, bandwidth, size * bandwidth);
      await engine.gemm(w0, zv, { transposeA: true, scale: -1, addend: p, into: p.data, checkpoint });
    }
    const at = first * Float64Array.BYTES_PER_ELEMENT;
    const { kernels, p, work } = room;
    kernels.rankUpdateFactor(v.data.byteOffset + at, size, p.byteOffset + at * bandwidth, room.t.byteOffset, size - first, bandwidth, y.data.byteOffset + at, work.byteOffset);
    for (let j = 0; j < bandwidth; j++) y.data.fill(0, j * size, j * size + first);
    rowsOf(z, known, bandwidth).data.set(y.data);
    rowsOf(z, known + bandwidth, bandwidth).data.set(v.data);
  }
  return count * bandwidth;
}

/** A - W Z' without what is finished, at the front of the same memory. Only the lower triangle is computed; the upper one is its mirror image. */
async function update(engine: Products, size: number, finished: number, room: Room, { checkpoint }: ReductionOptions): Promise<void> {
  const rest = size - finished;
  const width = 2 * finished;
  const { kernels, matrix, product } = room;
  const lying = (columns: number, rows: Float64Array) => {
    kernels.transposeTo(columns + finished * Float64Array.BYTES_PER_ELEMENT, size, rows.byteOffset, width, width, rest);
    return view(rows, rest, width);
  };
  const left = lying(room.w.byteOffset, room.lyingW);
  const right = lying(matrix.byteOffset + size * size * Float64Array.BYTES_PER_ELEMENT, room.lyingZ);
  for (let start = 0; start < rest; start += chunkRows) {
    checkpoint?.();
    const end = Math.min(rest, start + chunkRows);
    const into = product.subarray(0, (end - start) * end);
    await engine.gemm(rowsOf(left, start, end - start), rowsOf(right, 0, end), { transposeB: true, into, checkpoint });
    kernels.subtractLower(matrix.byteOffset, size, finished, product.byteOffset, start, end);
  }
}

/** A copy of the given columns. */
function columnsOf(matrix: Matrix, start: number, count: number): Matrix<Float64Array> {
  return block(matrix, 0, start, matrix.rows, count);
}

/** What the first `size` rows have from column `start` on, right of the diagonal block's diagonal, goes into the band at `offset`. */
function copyDiagonalBlock({ columns, data }: Matrix, start: number, size: number, band: SymmetricBand, offset: number): void {
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) band.data[(offset + j) * band.stride + i - j] = data[j * columns + start + i] as number;
  }
}

/** The panel, lying, is what these rows have from column `first` on: Q R with Q = I - V T V'. V' takes its place, R goes into the band at `offset`. */
function factorizePanel({ columns: size, data: panel }: Matrix<Float64Array>, first: number, { kernels, r, t }: Room, band: SymmetricBand, offset: number): void {
  const { bandwidth, stride, data } = band;
  const rows = size - first;
  r.fill(0);
  t.fill(0);
  kernels.factorizePanel(panel.byteOffset + first * Float64Array.BYTES_PER_ELEMENT, size, rows, bandwidth, r.byteOffset, t.byteOffset);
  for (let j = 0; j < bandwidth; j++) {
    panel.fill(0, j * size, j * size + first);
    for (let i = 0; i <= Math.min(j, rows - 1); i++) data[(offset + j) * stride + bandwidth + i - j] = r[i * bandwidth + j] as number;
  }
}
