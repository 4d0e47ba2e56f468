import { at } from './vectors';

/**
 * C = A B, or C -= A B when `subtract`, row-major: C is rows x columns, A rows x inner. Distances from one row to the next in numbers.
 * Row i of A begins at `a + i * rowStep`, its elements lie `columnStep` apart, so that A may be stored transposed.
 */
export function multiply(
  a: usize,
  rowStep: i32,
  columnStep: i32,
  b: usize,
  strideB: i32,
  c: usize,
  strideC: i32,
  rows: i32,
  columns: i32,
  inner: i32,
  subtract: bool,
): void {
  const stepA = <usize>columnStep << 3;
  const stepB = <usize>strideB << 3;
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const a0 = at(a, i * rowStep);
    const a1 = at(a0, rowStep);
    const a2 = at(a1, rowStep);
    const a3 = at(a2, rowStep);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      let s00 = f64x2.splat(0);
      let s01 = f64x2.splat(0);
      let s10 = f64x2.splat(0);
      let s11 = f64x2.splat(0);
      let s20 = f64x2.splat(0);
      let s21 = f64x2.splat(0);
      let s30 = f64x2.splat(0);
      let s31 = f64x2.splat(0);
      let row = at(b, j);
      let offset: usize = 0;
      for (let k = 0; k < inner; k++) {
        const left = v128.load(row);
        const right = v128.load(row, 16);
        let factor = v128.load64_splat(a0 + offset);
        s00 = f64x2.add(s00, f64x2.mul(factor, left));
        s01 = f64x2.add(s01, f64x2.mul(factor, right));
        factor = v128.load64_splat(a1 + offset);
        s10 = f64x2.add(s10, f64x2.mul(factor, left));
        s11 = f64x2.add(s11, f64x2.mul(factor, right));
        factor = v128.load64_splat(a2 + offset);
        s20 = f64x2.add(s20, f64x2.mul(factor, left));
        s21 = f64x2.add(s21, f64x2.mul(factor, right));
        factor = v128.load64_splat(a3 + offset);
        s30 = f64x2.add(s30, f64x2.mul(factor, left));
        s31 = f64x2.add(s31, f64x2.mul(factor, right));
        offset += stepA;
        row += stepB;
      }
      const target = at(c, i * strideC + j);
      put(target, s00, s01, subtract);
      put(at(target, strideC), s10, s11, subtract);
      put(at(target, 2 * strideC), s20, s21, subtract);
      put(at(target, 3 * strideC), s30, s31, subtract);
    }
    for (; j < columns; j++) {
      for (let r = i; r < i + 4; r++) putOne(a, r, rowStep, stepA, at(b, j), stepB, at(c, r * strideC + j), inner, subtract);
    }
  }
  for (; i < rows; i++) {
    for (let j = 0; j < columns; j++) putOne(a, i, rowStep, stepA, at(b, j), stepB, at(c, i * strideC + j), inner, subtract);
  }
}

function put(target: usize, left: v128, right: v128, subtract: bool): void {
  if (subtract) {
    left = f64x2.sub(v128.load(target), left);
    right = f64x2.sub(v128.load(target, 16), right);
  }
  v128.store(target, left);
  v128.store(target, right, 16);
}

function putOne(a: usize, row: i32, rowStep: i32, stepA: usize, b: usize, stepB: usize, target: usize, inner: i32, subtract: bool): void {
  let x = at(a, row * rowStep);
  let sum: f64 = 0;
  for (let k = 0; k < inner; k++) {
    sum += load<f64>(x) * load<f64>(b);
    x += stepA;
    b += stepB;
  }
  store<f64>(target, subtract ? load<f64>(target) - sum : sum);
}

/** Columns that are transposed together: few enough that what is written stays in the first cache, whatever the strides are multiples of. */
const columnsAtOnce: i32 = 8;

/** The transpose of rows x columns numbers, by blocks of 2 x 2. Distances from one row to the next in numbers. */
export function transposeTo(from: usize, stride: i32, to: usize, strideTo: i32, rows: i32, columns: i32): void {
  const step = <usize>strideTo << 3;
  for (let first = 0; first < columns; first += columnsAtOnce) {
    const end = min(first + columnsAtOnce, columns);
    let i = 0;
    for (; i + 2 <= rows; i += 2) {
      const row = at(from, i * stride);
      const next = at(row, stride);
      let target = at(to, first * strideTo + i);
      let j = first;
      for (; j + 2 <= end; j += 2) {
        const above = v128.load(at(row, j));
        const below = v128.load(at(next, j));
        v128.store(target, v128.shuffle<f64>(above, below, 0, 2));
        v128.store(target + step, v128.shuffle<f64>(above, below, 1, 3));
        target += 2 * step;
      }
      if (j < end) {
        store<f64>(target, load<f64>(at(row, j)));
        store<f64>(target, load<f64>(at(next, j)), 8);
      }
    }
    if (i < rows) {
      for (let j = first; j < end; j++) store<f64>(at(to, j * strideTo + i), load<f64>(at(from, i * stride + j)));
    }
  }
}

/** The same, rounded to float32, by blocks of 4 x 2. Distances are in numbers of each kind. */
export function transposeNarrow(from: usize, stride: i32, to: usize, strideTo: i32, rows: i32, columns: i32): void {
  const step = <usize>strideTo << 2;
  for (let first = 0; first < columns; first += columnsAtOnce) {
    const end = min(first + columnsAtOnce, columns);
    let i = 0;
    for (; i + 4 <= rows; i += 4) {
      const row0 = at(from, i * stride);
      const row1 = at(row0, stride);
      const row2 = at(row1, stride);
      const row3 = at(row2, stride);
      let target = to + <usize>first * step + (<usize>i << 2);
      let j = first;
      for (; j + 2 <= end; j += 2) {
        const above = v128.shuffle<f32>(narrowed(at(row0, j)), narrowed(at(row1, j)), 0, 4, 1, 5);
        const below = v128.shuffle<f32>(narrowed(at(row2, j)), narrowed(at(row3, j)), 0, 4, 1, 5);
        v128.store(target, v128.shuffle<f64>(above, below, 0, 2));
        v128.store(target + step, v128.shuffle<f64>(above, below, 1, 3));
        target += 2 * step;
      }
      if (j < end) {
        for (let r = 0; r < 4; r++) store<f32>(target + (<usize>r << 2), <f32>load<f64>(at(row0, r * stride + j)));
      }
    }
    for (; i < rows; i++) {
      for (let j = first; j < end; j++) store<f32>(to + <usize>j * step + (<usize>i << 2), <f32>load<f64>(at(from, i * stride + j)));
    }
  }
}

/** Two numbers, in the lower half. */
function narrowed(pair: usize): v128 {
  return f32x4.demote_f64x2_zero(v128.load(pair));
}
