import { addMultiple, at, dot, scale, sumOfLanes } from './vectors';

/**
 * Turns `x` into a reflector H = I - tau v v' with H x = (beta, 0, ...)' and v_0 = 1 (LAPACK larfg; callers scale, so that squares stay in range).
 * On return x_0 holds beta and the rest of x the rest of v. Answers with tau; 0 when nothing needs to be reflected.
 */
export function makeReflector(x: usize, length: i32): f64 {
  const tail = dot(x + 8, x + 8, length - 1);
  if (tail == 0) return 0;
  const alpha = load<f64>(x);
  const norm = sqrt(alpha * alpha + tail);
  const beta = alpha > 0 ? -norm : norm;
  scale(x + 8, 1 / (alpha - beta), length - 1);
  store<f64>(x, beta);
  return (beta - alpha) / beta;
}

/** `count` vectors, `stride` bytes from one to the next, become H times themselves. */
export function reflect(vectors: usize, stride: usize, count: i32, v: usize, length: i32, tau: f64): void {
  let j = 0;
  for (; j + 4 <= count; j += 4) {
    const x0 = vectors + <usize>j * stride;
    const x1 = x0 + stride;
    const x2 = x1 + stride;
    const x3 = x2 + stride;
    let sum0 = f64x2.splat(0);
    let sum1 = f64x2.splat(0);
    let sum2 = f64x2.splat(0);
    let sum3 = f64x2.splat(0);
    let i = 0;
    for (; i + 2 <= length; i += 2) {
      const w = v128.load(at(v, i));
      sum0 = f64x2.add(sum0, f64x2.mul(w, v128.load(at(x0, i))));
      sum1 = f64x2.add(sum1, f64x2.mul(w, v128.load(at(x1, i))));
      sum2 = f64x2.add(sum2, f64x2.mul(w, v128.load(at(x2, i))));
      sum3 = f64x2.add(sum3, f64x2.mul(w, v128.load(at(x3, i))));
    }
    let dot0 = sumOfLanes(sum0);
    let dot1 = sumOfLanes(sum1);
    let dot2 = sumOfLanes(sum2);
    let dot3 = sumOfLanes(sum3);
    if (i < length) {
      const w = load<f64>(at(v, i));
      dot0 += w * load<f64>(at(x0, i));
      dot1 += w * load<f64>(at(x1, i));
      dot2 += w * load<f64>(at(x2, i));
      dot3 += w * load<f64>(at(x3, i));
    }
    addFour(x0, x1, x2, x3, v, -tau * dot0, -tau * dot1, -tau * dot2, -tau * dot3, length);
  }
  for (; j < count; j++) {
    const x = vectors + <usize>j * stride;
    addMultiple(x, v, -tau * dot(x, v, length), length);
  }
}

/** Multiples of `v` added to four vectors. */
export function addFour(x0: usize, x1: usize, x2: usize, x3: usize, v: usize, f0: f64, f1: f64, f2: f64, f3: f64, length: i32): void {
  const factor0 = f64x2.splat(f0);
  const factor1 = f64x2.splat(f1);
  const factor2 = f64x2.splat(f2);
  const factor3 = f64x2.splat(f3);
  let i = 0;
  for (; i + 2 <= length; i += 2) {
    const w = v128.load(at(v, i));
    v128.store(at(x0, i), f64x2.add(v128.load(at(x0, i)), f64x2.mul(factor0, w)));
    v128.store(at(x1, i), f64x2.add(v128.load(at(x1, i)), f64x2.mul(factor1, w)));
    v128.store(at(x2, i), f64x2.add(v128.load(at(x2, i)), f64x2.mul(factor2, w)));
    v128.store(at(x3, i), f64x2.add(v128.load(at(x3, i)), f64x2.mul(factor3, w)));
  }
  if (i < length) {
    const w = load<f64>(at(v, i));
    store<f64>(at(x0, i), load<f64>(at(x0, i)) + f0 * w);
    store<f64>(at(x1, i), load<f64>(at(x1, i)) + f1 * w);
    store<f64>(at(x2, i), load<f64>(at(x2, i)) + f2 * w);
    store<f64>(at(x3, i), load<f64>(at(x3, i)) + f3 * w);
  }
}
