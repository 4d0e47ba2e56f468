import { addMultiple, at, dot, scale, sumOfLanes } from './vectors';

/**
 * What a step changed: s = step * direction and y = gradient - before. Writes s'y and y'y, one after the other, to `products`.
 */
export function makePair(s: usize, y: usize, direction: usize, step: f64, gradient: usize, before: usize, size: i32, products: usize): void {
  const steps = f64x2.splat(step);
  let i = 0;
  for (; i + 2 <= size; i += 2) {
    v128.store(at(s, i), f64x2.mul(steps, v128.load(at(direction, i))));
    v128.store(at(y, i), f64x2.sub(v128.load(at(gradient, i)), v128.load(at(before, i))));
  }
  if (i < size) {
    store<f64>(at(s, i), step * load<f64>(at(direction, i)));
    store<f64>(at(y, i), load<f64>(at(gradient, i)) - load<f64>(at(before, i)));
  }
  store<f64>(products, dot(s, y, size));
  store<f64>(products, dot(y, y, size), 8);
}

/**
 * The gradient in `q` becomes the direction -H g of L-BFGS by the two-loop recursion (Nocedal 1980), H beginning as `gamma` times the identity.
 * Of `room` pairs s and y, which lie one after the other, `count` are in use, the latest at place `latest`, the one before it at the place before,
 * around the end. `rho` holds 1 / s'y of each, `alphas` has room for as many numbers.
 */
export function lbfgsDirection(s: usize, y: usize, rho: usize, alphas: usize, room: i32, latest: i32, count: i32, gamma: f64, q: usize, size: i32): void {
  if (count > 0) {
    let place = latest;
    let along = dot(at(s, place * size), q, size);
    for (let i = 0; i < count; i++) {
      const alpha = load<f64>(at(rho, place)) * along;
      store<f64>(at(alphas, place), alpha);
      const before = place > 0 ? place - 1 : room - 1;
      // The last product of this pass is with a pair that has been seen; nothing comes of it.
      along = addThenDot(q, at(y, place * size), -alpha, at(s, before * size), size);
      place = before;
    }
    scale(q, gamma, size);
    place = place + 1 < room ? place + 1 : 0;
    along = dot(at(y, place * size), q, size);
    for (let i = 0; i < count; i++) {
      const factor = load<f64>(at(alphas, place)) - load<f64>(at(rho, place)) * along;
      const next = place + 1 < room ? place + 1 : 0;
      along = addThenDot(q, at(s, place * size), factor, at(y, next * size), size);
      place = next;
    }
  }
  scale(q, -1, size);
}

/** q += factor x; answers with q'z. */
function addThenDot(q: usize, x: usize, factor: f64, z: usize, length: i32): f64 {
  const factors = f64x2.splat(factor);
  let first = f64x2.splat(0);
  let second = f64x2.splat(0);
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = f64x2.add(v128.load(q), f64x2.mul(factors, v128.load(x)));
    const b = f64x2.add(v128.load(q, 16), f64x2.mul(factors, v128.load(x, 16)));
    v128.store(q, a);
    v128.store(q, b, 16);
    first = f64x2.add(first, f64x2.mul(a, v128.load(z)));
    second = f64x2.add(second, f64x2.mul(b, v128.load(z, 16)));
    q += 32;
    x += 32;
    z += 32;
  }
  let sum = sumOfLanes(f64x2.add(first, second));
  if (i < length) {
    addMultiple(q, x, factor, length - i);
    sum += dot(q, z, length - i);
  }
  return sum;
}
