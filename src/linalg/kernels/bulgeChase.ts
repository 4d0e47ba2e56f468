import { makeReflector, reflect } from './reflectors';
import { addMultiple, at, dot, sumOfLanes } from './vectors';

/**
 * Clears columns `from` to `to` (exclusive) of a symmetric band below the first off-diagonal; the bulge that each reflector makes is
 * chased down the band (Murata & Horikoshi 1975). Element (i, j), j <= i, is at `band[j * stride + i - j]` with stride = 2 bandwidth + 1.
 * `work` holds 3 bandwidth numbers. When `log` is not 0, each reflector is written to it, one after the other: tau, then v in `bandwidth` numbers.
 * Answers with the end of the log.
 */
export function chaseBulges(band: usize, size: i32, bandwidth: i32, from: i32, to: i32, work: usize, log: usize): usize {
  const stride = 2 * bandwidth + 1;
  // From one column to the next along a row.
  const step = <usize>(stride - 1) << 3;
  for (let column = from; column < to; column++) {
    let v = work;
    let next = at(work, bandwidth);
    const w = at(work, 2 * bandwidth);
    let first = column + 1;
    let length = min(bandwidth, size - first);
    let tau = takeReflector(at(band, column * stride + 1), length, v);
    while (length > 1) {
      if (log != 0) {
        store<f64>(log, tau);
        memory.copy(at(log, 1), v, <usize>length << 3);
        log = at(log, bandwidth + 1);
      }
      if (tau != 0) reflectBothSides(at(band, first * stride), step, length, v, w, tau);
      const below = first + length;
      const belowLength = min(bandwidth, size - below);
      if (belowLength <= 0) break;
      const block = at(band, first * stride + length);
      // The block below becomes B H; then its first column is cleared by the next reflector G, and the rest of it becomes G B H.
      sumOfColumns(block, step, length, belowLength, v, tau, w);
      addMultiple(block, w, -1, belowLength);
      const nextTau = takeReflector(block, belowLength, next);
      if (tau != 0 || nextTau != 0) reflectColumns(block, step, length, belowLength, v, w, next, nextTau);
      tau = nextTau;
      first = below;
      length = belowLength;
      const spare = v;
      v = next;
      next = spare;
    }
  }
  return log;
}

/**
 * Applies the reflectors of columns `from` to `to` (exclusive), the last one first, to `count` vectors of `size` numbers, one after the other.
 * `log` is the end of those columns' part of the log. Answers with its beginning.
 */
export function unwindChase(vectors: usize, count: i32, size: i32, bandwidth: i32, from: i32, to: i32, log: usize): usize {
  const stride = <usize>size << 3;
  for (let column = to - 1; column >= from; column--) {
    for (let step = (size - 3 - column) / bandwidth; step >= 0; step--) {
      const first = column + 1 + step * bandwidth;
      log = log - (<usize>(bandwidth + 1) << 3);
      const tau = load<f64>(log);
      if (tau != 0) reflect(at(vectors, first), stride, count, at(log, 1), min(bandwidth, size - first), tau);
    }
  }
  return log;
}

/** Moves the reflector of the vector at `x` to `v`; x becomes (beta, 0, ...)'. */
function takeReflector(x: usize, length: i32, v: usize): f64 {
  if (length < 2) {
    if (length == 1) store<f64>(v, 1);
    return 0;
  }
  const tau = makeReflector(x, length);
  store<f64>(v, 1);
  for (let i = 1; i < length; i++) {
    store<f64>(at(v, i), load<f64>(at(x, i)));
    store<f64>(at(x, i), 0);
  }
  return tau;
}

/** w = tau B v */
function sumOfColumns(block: usize, step: usize, columns: i32, rows: i32, v: usize, tau: f64, w: usize): void {
  for (let i = 0; i < rows; i++) store<f64>(at(w, i), 0);
  let j = 0;
  for (; j + 4 <= columns; j += 4) {
    const x0 = block + <usize>j * step;
    const x1 = x0 + step;
    const x2 = x1 + step;
    const x3 = x2 + step;
    const f0 = tau * load<f64>(at(v, j));
    const f1 = tau * load<f64>(at(v, j + 1));
    const f2 = tau * load<f64>(at(v, j + 2));
    const f3 = tau * load<f64>(at(v, j + 3));
    const v0 = f64x2.splat(f0);
    const v1 = f64x2.splat(f1);
    const v2 = f64x2.splat(f2);
    const v3 = f64x2.splat(f3);
    let i = 0;
    for (; i + 2 <= rows; i += 2) {
      const left = f64x2.add(f64x2.mul(v0, v128.load(at(x0, i))), f64x2.mul(v1, v128.load(at(x1, i))));
      const right = f64x2.add(f64x2.mul(v2, v128.load(at(x2, i))), f64x2.mul(v3, v128.load(at(x3, i))));
      v128.store(at(w, i), f64x2.add(v128.load(at(w, i)), f64x2.add(left, right)));
    }
    if (i < rows) {
      const sum = f0 * load<f64>(at(x0, i)) + f1 * load<f64>(at(x1, i)) + (f2 * load<f64>(at(x2, i)) + f3 * load<f64>(at(x3, i)));
      store<f64>(at(w, i), load<f64>(at(w, i)) + sum);
    }
  }
  for (; j < columns; j++) addMultiple(w, block + <usize>j * step, tau * load<f64>(at(v, j)), rows);
}

/** Columns 1 and on: B becomes B - w v', then (I - nextTau next next') B. */
function reflectColumns(block: usize, step: usize, columns: i32, rows: i32, v: usize, w: usize, next: usize, nextTau: f64): void {
  let j = 1;
  for (; j + 2 <= columns; j += 2) {
    const x0 = block + <usize>j * step;
    const x1 = x0 + step;
    const f0 = load<f64>(at(v, j));
    const f1 = load<f64>(at(v, j + 1));
    const v0 = f64x2.splat(f0);
    const v1 = f64x2.splat(f1);
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let i = 0;
    for (; i + 2 <= rows; i += 2) {
      const ws = v128.load(at(w, i));
      const us = v128.load(at(next, i));
      const y0 = f64x2.sub(v128.load(at(x0, i)), f64x2.mul(v0, ws));
      const y1 = f64x2.sub(v128.load(at(x1, i)), f64x2.mul(v1, ws));
      v128.store(at(x0, i), y0);
      v128.store(at(x1, i), y1);
      sum0 = f64x2.add(sum0, f64x2.mul(us, y0));
      sum1 = f64x2.add(sum1, f64x2.mul(us, y1));
    }
    let dot0 = sumOfLanes(sum0);
    let dot1 = sumOfLanes(sum1);
    if (i < rows) {
      const wi = load<f64>(at(w, i));
      const u = load<f64>(at(next, i));
      const y0 = load<f64>(at(x0, i)) - f0 * wi;
      const y1 = load<f64>(at(x1, i)) - f1 * wi;
      store<f64>(at(x0, i), y0);
      store<f64>(at(x1, i), y1);
      dot0 += u * y0;
      dot1 += u * y1;
    }
    dot0 *= nextTau;
    dot1 *= nextTau;
    const d0 = f64x2.splat(dot0);
    const d1 = f64x2.splat(dot1);
    for (i = 0; i + 2 <= rows; i += 2) {
      const us = v128.load(at(next, i));
      v128.store(at(x0, i), f64x2.sub(v128.load(at(x0, i)), f64x2.mul(d0, us)));
      v128.store(at(x1, i), f64x2.sub(v128.load(at(x1, i)), f64x2.mul(d1, us)));
    }
    if (i < rows) {
      const u = load<f64>(at(next, i));
      store<f64>(at(x0, i), load<f64>(at(x0, i)) - dot0 * u);
      store<f64>(at(x1, i), load<f64>(at(x1, i)) - dot1 * u);
    }
  }
  for (; j < columns; j++) {
    const x = block + <usize>j * step;
    addMultiple(x, w, -load<f64>(at(v, j)), rows);
    if (nextTau != 0) addMultiple(x, next, -nextTau * dot(x, next, rows), rows);
  }
}

/** The symmetric block at `corner` becomes H A H. */
function reflectBothSides(corner: usize, step: usize, length: i32, v: usize, w: usize, tau: f64): void {
  // Element (i, j) is at corner + j * step + i.
  for (let i = 0; i < length; i++) store<f64>(at(w, i), 0);
  let j = 0;
  for (; j + 2 <= length; j += 2) {
    const x0 = corner + <usize>j * step;
    const x1 = x0 + step;
    const f0 = load<f64>(at(v, j));
    const f1 = load<f64>(at(v, j + 1));
    const v0 = f64x2.splat(f0);
    const v1 = f64x2.splat(f1);
    const below = load<f64>(at(x0, j + 1));
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let i = j + 2;
    for (; i + 2 <= length; i += 2) {
      const y0 = v128.load(at(x0, i));
      const y1 = v128.load(at(x1, i));
      const vs = v128.load(at(v, i));
      v128.store(at(w, i), f64x2.add(v128.load(at(w, i)), f64x2.add(f64x2.mul(y0, v0), f64x2.mul(y1, v1))));
      sum0 = f64x2.add(sum0, f64x2.mul(y0, vs));
      sum1 = f64x2.add(sum1, f64x2.mul(y1, vs));
    }
    let dot0 = sumOfLanes(sum0);
    let dot1 = sumOfLanes(sum1);
    if (i < length) {
      const y0 = load<f64>(at(x0, i));
      const y1 = load<f64>(at(x1, i));
      const vi = load<f64>(at(v, i));
      store<f64>(at(w, i), load<f64>(at(w, i)) + (y0 * f0 + y1 * f1));
      dot0 += y0 * vi;
      dot1 += y1 * vi;
    }
    store<f64>(at(w, j), load<f64>(at(w, j)) + load<f64>(at(x0, j)) * f0 + below * f1 + dot0);
    store<f64>(at(w, j + 1), load<f64>(at(w, j + 1)) + below * f0 + load<f64>(at(x1, j + 1)) * f1 + dot1);
  }
  if (j < length) store<f64>(at(w, j), load<f64>(at(w, j)) + load<f64>(at(corner + <usize>j * step, j)) * load<f64>(at(v, j)));

  const half = 0.5 * tau * dot(w, v, length);
  for (let i = 0; i < length; i++) store<f64>(at(w, i), tau * (load<f64>(at(w, i)) - half * load<f64>(at(v, i))));

  for (j = 0; j + 2 <= length; j += 2) {
    const x0 = corner + <usize>j * step;
    const x1 = x0 + step;
    const f0 = load<f64>(at(v, j));
    const f1 = load<f64>(at(v, j + 1));
    const g0 = load<f64>(at(w, j));
    const g1 = load<f64>(at(w, j + 1));
    const v0 = f64x2.splat(f0);
    const v1 = f64x2.splat(f1);
    const w0 = f64x2.splat(g0);
    const w1 = f64x2.splat(g1);
    store<f64>(at(x0, j), load<f64>(at(x0, j)) - 2 * f0 * g0);
    store<f64>(at(x0, j + 1), load<f64>(at(x0, j + 1)) - (f1 * g0 + g1 * f0));
    store<f64>(at(x1, j + 1), load<f64>(at(x1, j + 1)) - 2 * f1 * g1);
    let i = j + 2;
    for (; i + 2 <= length; i += 2) {
      const vs = v128.load(at(v, i));
      const ws = v128.load(at(w, i));
      v128.store(at(x0, i), f64x2.sub(v128.load(at(x0, i)), f64x2.add(f64x2.mul(vs, w0), f64x2.mul(ws, v0))));
      v128.store(at(x1, i), f64x2.sub(v128.load(at(x1, i)), f64x2.add(f64x2.mul(vs, w1), f64x2.mul(ws, v1))));
    }
    if (i < length) {
      const vi = load<f64>(at(v, i));
      const wi = load<f64>(at(w, i));
      store<f64>(at(x0, i), load<f64>(at(x0, i)) - (vi * g0 + wi * f0));
      store<f64>(at(x1, i), load<f64>(at(x1, i)) - (vi * g1 + wi * f1));
    }
  }
  if (j < length) {
    const x = at(corner + <usize>j * step, j);
    store<f64>(x, load<f64>(x) - 2 * load<f64>(at(v, j)) * load<f64>(at(w, j)));
  }
}
