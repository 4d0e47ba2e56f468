import { multiply } from './product';
import { at, sumOfLanes } from './vectors';

/**
 * Replaces a symmetric positive definite matrix (row-major, its lower triangle is read) by its Cholesky factor; the upper triangle is left alone.
 * The size is a multiple of 4; `inverses` receives the reciprocals of the diagonal.
 * Answers with the row of the first pivot that is not positive and finite, which holds that pivot, or -1.
 */
export function choleskyFactor(a: usize, size: i32, inverses: usize): i32 {
  for (let i = 0; i < size; i += 4) {
    const rows = at(a, i * size);
    for (let j = 0; j < i; j += 2) fourByTwo(rows, at(a, j * size), size, j, load<f64>(at(inverses, j)), load<f64>(at(inverses, j + 1)));
    for (let r = i; r < i + 4; r++) {
      const row = at(a, r * size);
      for (let c = i; c <= r; c++) {
        const other = at(a, c * size);
        const value = load<f64>(at(row, c)) - dotOfRows(row, other, c);
        if (c < r) {
          store<f64>(at(row, c), value * load<f64>(at(inverses, c)));
        } else if (value > 0 && value < Infinity) {
          const root = sqrt(value);
          store<f64>(at(row, c), root);
          store<f64>(at(inverses, c), 1 / root);
        } else {
          store<f64>(at(row, c), value);
          return r;
        }
      }
    }
  }
  return -1;
}

/** Elements j and j + 1 of four rows, from two finished rows. */
function fourByTwo(x0: usize, y0: usize, size: i32, j: i32, inverse0: f64, inverse1: f64): void {
  const x1 = at(x0, size);
  const x2 = at(x1, size);
  const x3 = at(x2, size);
  const y1 = at(y0, size);
  let s00 = f64x2.splat(0);
  let s01 = f64x2.splat(0);
  let s10 = f64x2.splat(0);
  let s11 = f64x2.splat(0);
  let s20 = f64x2.splat(0);
  let s21 = f64x2.splat(0);
  let s30 = f64x2.splat(0);
  let s31 = f64x2.splat(0);
  for (let k = 0; k < j; k += 2) {
    const w0 = v128.load(at(y0, k));
    const w1 = v128.load(at(y1, k));
    let u = v128.load(at(x0, k));
    s00 = f64x2.add(s00, f64x2.mul(u, w0));
    s01 = f64x2.add(s01, f64x2.mul(u, w1));
    u = v128.load(at(x1, k));
    s10 = f64x2.add(s10, f64x2.mul(u, w0));
    s11 = f64x2.add(s11, f64x2.mul(u, w1));
    u = v128.load(at(x2, k));
    s20 = f64x2.add(s20, f64x2.mul(u, w0));
    s21 = f64x2.add(s21, f64x2.mul(u, w1));
    u = v128.load(at(x3, k));
    s30 = f64x2.add(s30, f64x2.mul(u, w0));
    s31 = f64x2.add(s31, f64x2.mul(u, w1));
  }
  const below = load<f64>(at(y1, j));
  putPair(at(x0, j), s00, s01, inverse0, inverse1, below);
  putPair(at(x1, j), s10, s11, inverse0, inverse1, below);
  putPair(at(x2, j), s20, s21, inverse0, inverse1, below);
  putPair(at(x3, j), s30, s31, inverse0, inverse1, below);
}

function putPair(x: usize, first: v128, second: v128, inverse0: f64, inverse1: f64, below: f64): void {
  const value = (load<f64>(x) - sumOfLanes(first)) * inverse0;
  store<f64>(x, value);
  store<f64>(x, (load<f64>(x, 8) - sumOfLanes(second) - value * below) * inverse1, 8);
}

function dotOfRows(x: usize, y: usize, length: i32): f64 {
  let sum = f64x2.splat(0);
  let k = 0;
  for (; k + 2 <= length; k += 2) sum = f64x2.add(sum, f64x2.mul(v128.load(at(x, k)), v128.load(at(y, k))));
  return k < length ? sumOfLanes(sum) + load<f64>(at(x, k)) * load<f64>(at(y, k)) : sumOfLanes(sum);
}

/** The inverse of a lower triangular matrix (row-major, size a multiple of 4) into `inverse`, which comes in as zeros. */
export function invertLowerTriangle(a: usize, size: i32, inverses: usize, inverse: usize): void {
  const width = 16;
  for (let i = 0; i < size; i += 4) {
    const rows = at(a, i * size);
    const target = at(inverse, i * size);
    // What the rows above contribute; columns from `j` on begin at row `j`.
    for (let j = 0; j < i; j += width) {
      multiply(at(rows, j), size, 1, at(inverse, j * size + j), size, at(target, j), size, 4, min(width, i - j), i - j, false);
    }
    for (let r = 0; r < 4; r++) store<f64>(at(target, r * size + i + r), -1);
    // Then forward substitution with the diagonal block, and the sign.
    for (let r = 0; r < 4; r++) {
      const row = at(target, r * size);
      for (let k = 0; k < r; k++) {
        const factor = f64x2.splat(load<f64>(at(rows, r * size + i + k)));
        const above = at(target, k * size);
        for (let c = 0; c < i + 4; c += 2) v128.store(at(row, c), f64x2.add(v128.load(at(row, c)), f64x2.mul(factor, v128.load(at(above, c)))));
      }
      const factor = f64x2.splat(-load<f64>(at(inverses, i + r)));
      for (let c = 0; c < i + 4; c += 2) v128.store(at(row, c), f64x2.mul(factor, v128.load(at(row, c))));
    }
  }
}
