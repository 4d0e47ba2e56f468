// Vectors are runs of float64 at byte addresses. Sums are kept in several partial sums, as SIMD and the depth of the pipeline want it.

/** The address of element `index`. */
export function at(base: usize, index: i32): usize {
  return base + (<usize>index << 3);
}

/** The sum of both lanes. */
export function sumOfLanes(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

export function dot(x: usize, y: usize, length: i32): f64 {
  let first = f64x2.splat(0);
  let second = f64x2.splat(0);
  let third = f64x2.splat(0);
  let fourth = f64x2.splat(0);
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    first = f64x2.add(first, f64x2.mul(v128.load(x), v128.load(y)));
    second = f64x2.add(second, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
    third = f64x2.add(third, f64x2.mul(v128.load(x, 32), v128.load(y, 32)));
    fourth = f64x2.add(fourth, f64x2.mul(v128.load(x, 48), v128.load(y, 48)));
    x += 64;
    y += 64;
  }
  for (; i + 2 <= length; i += 2) {
    first = f64x2.add(first, f64x2.mul(v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  let sum = sumOfLanes(f64x2.add(f64x2.add(first, second), f64x2.add(third, fourth)));
  if (i < length) sum += load<f64>(x) * load<f64>(y);
  return sum;
}

/** y += factor x */
export function addMultiple(y: usize, x: usize, factor: f64, length: i32): void {
  const factors = f64x2.splat(factor);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    v128.store(y, f64x2.add(v128.load(y), f64x2.mul(factors, v128.load(x))));
    v128.store(y, f64x2.add(v128.load(y, 16), f64x2.mul(factors, v128.load(x, 16))), 16);
    x += 32;
    y += 32;
  }
  for (; i < length; i++) {
    store<f64>(y, load<f64>(y) + factor * load<f64>(x));
    x += 8;
    y += 8;
  }
}

/** x *= factor */
export function scale(x: usize, factor: f64, length: i32): void {
  const factors = f64x2.splat(factor);
  let i = 0;
  for (; i + 2 <= length; i += 2) {
    v128.store(x, f64x2.mul(factors, v128.load(x)));
    x += 16;
  }
  if (i < length) store<f64>(x, factor * load<f64>(x));
}

/** The sum of squares. */
export function sumSquares(x: usize, length: i32): f64 {
  return dot(x, x, length);
}

/** The sum of squares of float32 numbers, in float64. */
export function sumSquaresNarrow(x: usize, length: i32): f64 {
  let first = f64x2.splat(0);
  let second = f64x2.splat(0);
  let third = f64x2.splat(0);
  let fourth = f64x2.splat(0);
  let i = 0;
  for (; i + 8 <= length; i += 8) {
    const left = v128.load(x);
    const right = v128.load(x, 16);
    const a = f64x2.promote_low_f32x4(left);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f64>(left, left, 1, 1));
    const c = f64x2.promote_low_f32x4(right);
    const d = f64x2.promote_low_f32x4(v128.shuffle<f64>(right, right, 1, 1));
    first = f64x2.add(first, f64x2.mul(a, a));
    second = f64x2.add(second, f64x2.mul(b, b));
    third = f64x2.add(third, f64x2.mul(c, c));
    fourth = f64x2.add(fourth, f64x2.mul(d, d));
    x += 32;
  }
  let sum = sumOfLanes(f64x2.add(f64x2.add(first, second), f64x2.add(third, fourth)));
  for (; i < length; i++) {
    const value = <f64>load<f32>(x);
    sum += value * value;
    x += 4;
  }
  return sum;
}
