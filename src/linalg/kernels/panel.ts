import { multiply, transposeTo } from './product';
import { makeReflector, reflect } from './reflectors';
import { at, dot } from './vectors';

/**
 * Panel = Q R with Q = I - V T V' (compact WY, LAPACK larft). The panel (rows x columns) is stored by columns, `distance` numbers from one to the
 * next, and becomes V, with ones on its diagonal and zeros above; R and T (columns x columns, row-major) must come in as zeros.
 */
export function factorizePanel(panel: usize, distance: i32, rows: i32, columns: i32, r: usize, t: usize): void {
  const stride = <usize>distance << 3;
  const width = min(rows, columns);
  for (let j = 0; j < width; j++) {
    const column = panel + <usize>j * stride;
    const v = at(column, j);
    const length = rows - j;
    const tau = makeReflector(v, length);
    for (let i = 0; i < j; i++) {
      store<f64>(at(r, i * columns + j), load<f64>(at(column, i)));
      store<f64>(at(column, i), 0);
    }
    store<f64>(at(r, j * columns + j), load<f64>(v));
    store<f64>(v, 1);
    if (tau != 0) reflect(v + stride, stride, columns - j - 1, v, length, tau);
    // T(0..j, j) = -tau T(0..j, 0..j) V' v_j; rows from the top only read rows below them.
    for (let i = 0; i < j; i++) store<f64>(at(t, i * columns + j), -tau * dot(at(panel + <usize>i * stride, j), v, length));
    for (let i = 0; i < j; i++) {
      let sum: f64 = 0;
      for (let k = i; k < j; k++) sum += load<f64>(at(t, i * columns + k)) * load<f64>(at(t, k * columns + j));
      store<f64>(at(t, i * columns + j), sum);
    }
    store<f64>(at(t, j * columns + j), tau);
  }
  for (let j = width; j < columns; j++) {
    const column = panel + <usize>j * stride;
    for (let i = 0; i < rows; i++) {
      store<f64>(at(r, i * columns + j), load<f64>(at(column, i)));
      store<f64>(at(column, i), 0);
    }
  }
}

/**
 * The factor Y of the update Q'AQ = A - V Y' - Y V' with Y = P T - V (T' V' P T) / 2 and P = A V (Bischof, Lang & Sun 2000).
 * V and Y are stored by columns, `distance` numbers from one to the next, P row-major. `work` holds 2 columns (rows + columns) numbers.
 */
export function rankUpdateFactor(v: usize, distance: i32, p: usize, t: usize, rows: i32, columns: i32, y: usize, work: usize): void {
  const lyingV = work;
  const lyingY = at(lyingV, rows * columns);
  const inner = at(lyingY, rows * columns);
  const half = at(inner, columns * columns);
  // half = T' (V' P) T / 2
  multiply(v, distance, 1, p, columns, half, columns, columns, columns, rows, false);
  multiply(half, columns, 1, t, columns, inner, columns, columns, columns, columns, false);
  multiply(t, 1, columns, inner, columns, half, columns, columns, columns, columns, false);
  for (let i = 0; i < columns * columns; i++) store<f64>(at(half, i), 0.5 * load<f64>(at(half, i)));
  transposeTo(v, distance, lyingV, columns, columns, rows);
  multiply(p, columns, 1, t, columns, lyingY, columns, rows, columns, columns, false);
  multiply(lyingV, columns, 1, half, columns, lyingY, columns, rows, columns, columns, true);
  transposeTo(lyingY, columns, y, distance, rows, columns);
}

/**
 * Rows `from` to `to` (exclusive) of the lower triangle of A without its first `finished` rows and columns, less those of `product`, which has `to` columns;
 * they go to the front of A's memory as rows of a smaller matrix, the upper triangle as their mirror image. A is size x size. No row moves beyond where it
 * came from, and mirrored elements go to rows that have moved already.
 */
export function subtractLower(a: usize, size: i32, finished: i32, product: usize, from: i32, to: i32): void {
  const rest = size - finished;
  const step = <usize>rest << 3;
  let i = from;
  for (; i + 2 <= to; i += 2) {
    const old = at(a, (finished + i) * size + finished);
    const oldNext = at(old, size);
    const own = at(product, (i - from) * to);
    const ownNext = at(own, to);
    const target = at(a, i * rest);
    const targetNext = target + step;
    let mirror = at(a, i);
    let j = 0;
    for (; j + 2 <= i; j += 2) {
      const above = f64x2.sub(v128.load(at(old, j)), v128.load(at(own, j)));
      const below = f64x2.sub(v128.load(at(oldNext, j)), v128.load(at(ownNext, j)));
      v128.store(at(target, j), above);
      v128.store(at(targetNext, j), below);
      v128.store(mirror, v128.shuffle<f64>(above, below, 0, 2));
      v128.store(mirror + step, v128.shuffle<f64>(above, below, 1, 3));
      mirror += 2 * step;
    }
    if (j < i) {
      const above = load<f64>(at(old, j)) - load<f64>(at(own, j));
      const below = load<f64>(at(oldNext, j)) - load<f64>(at(ownNext, j));
      store<f64>(at(target, j), above);
      store<f64>(at(targetNext, j), below);
      store<f64>(mirror, above);
      store<f64>(mirror, below, 8);
    }
    // The two on the diagonal and the one between them.
    store<f64>(at(target, i), load<f64>(at(old, i)) - load<f64>(at(own, i)));
    const between = load<f64>(at(oldNext, i)) - load<f64>(at(ownNext, i));
    const last = load<f64>(at(oldNext, i + 1)) - load<f64>(at(ownNext, i + 1));
    store<f64>(at(target, i + 1), between);
    store<f64>(at(targetNext, i), between);
    store<f64>(at(targetNext, i + 1), last);
  }
  for (; i < to; i++) {
    const old = at(a, (finished + i) * size + finished);
    const own = at(product, (i - from) * to);
    for (let j = 0; j <= i; j++) {
      const value = load<f64>(at(old, j)) - load<f64>(at(own, j));
      store<f64>(at(a, i * rest + j), value);
      store<f64>(at(a, j * rest + i), value);
    }
  }
}
