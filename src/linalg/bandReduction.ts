import type { Engine, WorkOptions } from './engine';
import { makeReflector } from './householder';
import { block, type Matrix, zeros } from './matrix';

/** A symmetric band matrix: element (i, j), j <= i <= j + 2 * bandwidth, is `data[j * stride + i - j]`; the outer half is room for bulges. */
export interface SymmetricBand {
  readonly size: number;
  readonly bandwidth: number;
  readonly stride: number;
  readonly data: Float64Array;
}

/**
 * Q'AQ with the given bandwidth: first half of the two-stage reduction to tridiagonal form (Bischof, Lang & Sun 2000).
 * Nearly all its work is products with panels on the engine, where a direct tridiagonalization is half matrix-vector products.
 */
export async function reduceToBand(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  bandwidth: number,
  options: WorkOptions,
): Promise<SymmetricBand> {
  const size = matrix.rows;
  const stride = 2 * bandwidth + 1;
  if (size <= bandwidth + 1) return wholeAsBand(matrix, bandwidth);
  const band: SymmetricBand = { size, bandwidth, stride, data: new Float64Array(size * stride) };
  let trailing: Matrix = matrix;
  let offset = 0;
  // The same buffers serve all panels: fresh memory for each would cost more than the products.
  const largest = size - bandwidth;
  const [innerBuffer, trailingBuffer] = [new Float64Array(largest ** 2), new Float64Array(largest ** 2)];
  const buffers = Array.from({ length: 3 }, () => new Float64Array(largest * bandwidth)) as [Float64Array, Float64Array, Float64Array];
  const [vyBuffer, yvBuffer] = [new Float64Array(2 * largest * bandwidth), new Float64Array(2 * largest * bandwidth)];
  while (trailing.rows > bandwidth + 1) {
    options.checkpoint?.();
    const rest = trailing.rows - bandwidth;
    const panel = block(trailing, bandwidth, 0, rest, bandwidth);
    copyDiagonalBlock(trailing, bandwidth, band, offset);
    const { v, t } = factorizePanel(panel, (i, j, value) => {
      band.data[(offset + j) * stride + bandwidth + i - j] = value;
    });
    const inner = { rows: rest, columns: rest, data: innerBuffer.subarray(0, rest * rest) };
    for (let i = 0; i < rest; i++) {
      const start = (bandwidth + i) * trailing.columns + bandwidth;
      inner.data.set(trailing.data.subarray(start, start + rest), i * rest);
    }
    const [avBuffer, xBuffer, yBuffer] = buffers.map((buffer) => buffer.subarray(0, rest * bandwidth)) as [Float64Array, Float64Array, Float64Array];
    const x = await engine.gemm(await engine.gemm(inner, v, { into: avBuffer }), t, { into: xBuffer });
    const vx = await engine.gemm(v, x, { transposeA: true });
    const s = await engine.gemm(t, vx, { transposeA: true, scale: 0.5 });
    const y = await engine.gemm(v, s, { scale: -1, addend: x, into: yBuffer });
    const vy = joinSides(v, y, vyBuffer);
    const yv = joinSides(y, v, yvBuffer);
    trailing = await engine.gemm(vy, yv, { transposeB: true, scale: -1, addend: inner, into: trailingBuffer.subarray(0, rest * rest) });
    offset += bandwidth;
  }
  copyDiagonalBlock(trailing, trailing.rows, band, offset);
  return band;
}

function wholeAsBand(matrix: Matrix<Float64Array>, bandwidth: number): SymmetricBand {
  const stride = 2 * bandwidth + 1;
  const band = { size: matrix.rows, bandwidth, stride, data: new Float64Array(matrix.rows * stride) };
  copyDiagonalBlock(matrix, matrix.rows, band, 0);
  return band;
}

function copyDiagonalBlock(matrix: Matrix, size: number, band: SymmetricBand, offset: number): void {
  for (let j = 0; j < size; j++) {
    for (let i = j; i < size; i++) band.data[(offset + j) * band.stride + i - j] = matrix.data[i * matrix.columns + j] as number;
  }
}

/** Panel = Q R with Q = I - V T V' (compact WY, LAPACK larft); R is handed out by element. */
function factorizePanel(
  panel: Matrix<Float64Array>,
  storeR: (i: number, j: number, value: number) => void,
): { v: Matrix<Float64Array>; t: Matrix<Float64Array> } {
  const { rows, columns } = panel;
  const width = Math.min(rows, columns);
  // By columns, so that reflectors are contiguous.
  const a = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) a[j * rows + i] = panel.data[i * columns + j] as number;
  const t = zeros(columns, columns);
  for (let j = 0; j < width; j++) {
    const start = j * rows + j;
    const length = rows - j;
    const tau = makeReflector(a, start, length);
    for (let i = 0; i <= j; i++) storeR(i, j, a[j * rows + i] as number);
    a[start] = 1;
    for (let column = j + 1; column < columns; column++) {
      const other = column * rows + j;
      let dot = 0;
      for (let i = 0; i < length; i++) dot += (a[start + i] as number) * (a[other + i] as number);
      dot *= tau;
      for (let i = 0; i < length; i++) a[other + i] = (a[other + i] as number) - dot * (a[start + i] as number);
    }
    for (let column = 0; column < j; column++) {
      const other = column * rows + j;
      let dot = 0;
      for (let i = 0; i < length; i++) dot += (a[start + i] as number) * (a[other + i] as number);
      t.data[column * columns + j] = -tau * dot;
    }
    // T(0..j, j) = -tau T(0..j, 0..j) V' v_j; rows from the top only read rows below them.
    for (let row = 0; row < j; row++) {
      let sum = 0;
      for (let k = row; k < j; k++) sum += (t.data[row * columns + k] as number) * (t.data[k * columns + j] as number);
      t.data[row * columns + j] = sum;
    }
    t.data[j * columns + j] = tau;
  }
  for (let j = width; j < columns; j++) for (let i = 0; i < rows; i++) storeR(i, j, a[j * rows + i] as number);
  const v = zeros(rows, columns);
  for (let j = 0; j < width; j++) for (let i = j; i < rows; i++) v.data[i * columns + j] = a[j * rows + i] as number;
  return { v, t };
}

function joinSides(left: Matrix, right: Matrix, buffer: Float64Array): Matrix<Float64Array> {
  const { rows, columns } = left;
  const data = buffer.subarray(0, 2 * rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      data[2 * i * columns + j] = left.data[i * columns + j] as number;
      data[(2 * i + 1) * columns + j] = right.data[i * columns + j] as number;
    }
  }
  return { rows, columns: 2 * columns, data };
}
