import { at } from './vectors';

/** Sweeps that may be spent on the average eigenvalue; fewer than two are needed. */
const sweepLimit: i32 = 30;

let size: i32 = 0;
let diagonal: usize = 0;
/** Squares of the off-diagonals. */
let squares: usize = 0;
/** The next row that is not yet part of a block. */
let next: i32 = 0;
/** The block in work runs from `current` to `last`, in steps of `direction`. */
let current: i32 = 0;
let last: i32 = 0;
let direction: i32 = 1;
let sweeps: i32 = 0;
/** Squares below this are rounding of the largest element. */
let negligible: f64 = 0;

/** Begins with the symmetric tridiagonal matrix; off-diagonals (element i couples i and i + 1) are overwritten. */
export function beginTridiagonal(d: usize, e: usize, count: i32): void {
  size = count;
  diagonal = d;
  squares = e;
  next = 0;
  current = 1;
  last = 0;
  direction = 1;
  sweeps = 0;
  let largest: f64 = 0;
  for (let i = 0; i < count; i++) {
    largest = max(largest, abs(load<f64>(at(d, i))));
    if (i < count - 1) largest = max(largest, abs(load<f64>(at(e, i))));
  }
  for (let i = 0; i < count - 1; i++) store<f64>(at(e, i), load<f64>(at(e, i)) * load<f64>(at(e, i)));
  const rounding = 0.25 * f64.EPSILON * largest;
  negligible = rounding * rounding;
}

/**
 * The diagonal becomes the eigenvalues, in no order, by the square-root-free QL and QR of Pal, Walker and Kahan (LAPACK sterf).
 * Stops after about `budget` rotations: 0 when all is done, 1 when it is to be called again, 2 when an eigenvalue did not converge.
 */
export function continueTridiagonal(budget: i32): i32 {
  while (budget > 0) {
    if ((last - current) * direction < 0) {
      if (next >= size) return 0;
      takeBlock();
    } else {
      if (sweeps > sweepLimit * size) return 2;
      budget -= sweep();
    }
  }
  return 1;
}

/** Coupling (squared) of element i and the one after it in the direction of work. */
function coupling(i: i32): usize {
  return at(squares, direction > 0 ? i : i - 1);
}

function splits(square: f64, i: i32, j: i32): bool {
  const rounding = 0.25 * f64.EPSILON * f64.EPSILON;
  return square <= negligible || square <= rounding * abs(load<f64>(at(diagonal, i)) * load<f64>(at(diagonal, j)));
}

function takeBlock(): void {
  let end = next;
  while (end < size - 1 && !splits(load<f64>(at(squares, end)), end, end + 1)) end++;
  if (end < size - 1) store<f64>(at(squares, end), 0);
  // Graded blocks are worked off from their small end.
  if (abs(load<f64>(at(diagonal, end))) < abs(load<f64>(at(diagonal, next)))) {
    current = end;
    last = next;
    direction = -1;
  } else {
    current = next;
    last = end;
    direction = 1;
  }
  next = end + 1;
}

/** One sweep, or an eigenvalue or two taken off. Answers with what it cost. */
function sweep(): i32 {
  const l = current;
  let m = l;
  while (m != last && !splits(load<f64>(coupling(m)), m, m + direction)) m += direction;
  if (m != last) store<f64>(coupling(m), 0);
  if (m == l) {
    current += direction;
    return 1;
  }
  const p0 = load<f64>(at(diagonal, l));
  const root = sqrt(load<f64>(coupling(l)));
  if (m == l + direction) {
    solvePair(l, m, root);
    current += 2 * direction;
    return 1;
  }
  sweeps += 1;
  let sigma = (load<f64>(at(diagonal, l + direction)) - p0) / (2 * root);
  const hypotenuse = sqrt(sigma * sigma + 1);
  sigma = p0 - root / (sigma + (sigma >= 0 ? hypotenuse : -hypotenuse));

  let c: f64 = 1;
  let s: f64 = 0;
  let gamma = load<f64>(at(diagonal, m)) - sigma;
  let p = gamma * gamma;
  const back = <isize>direction * -8;
  let d: usize = at(diagonal, m - direction);
  let e = coupling(m - direction);
  const steps = (m - l) * direction;
  for (let i = 0; i < steps; i++) {
    const square = load<f64>(e);
    const r = p + square;
    if (i > 0) store<f64>(<usize>(<isize>e - back), s * r);
    const before = c;
    // Not 1 / c, which would have to wait for c: how long a sweep takes is how long its divisions wait for each other.
    const inverse = r / p;
    c = p / r;
    s = square / r;
    const old = gamma;
    const alpha = load<f64>(d);
    gamma = (p * (alpha - sigma) - square * old) / r;
    store<f64>(<usize>(<isize>d - back), old + (alpha - gamma));
    p = c != 0 ? gamma * gamma * inverse : before * square;
    d = <usize>(<isize>d + back);
    e = <usize>(<isize>e + back);
  }
  store<f64>(coupling(l), s * p);
  store<f64>(at(diagonal, l), sigma + gamma);
  return steps;
}

/** Both eigenvalues of a block of two, without cancellation (LAPACK lae2). */
function solvePair(i: i32, j: i32, b: f64): void {
  const a = load<f64>(at(diagonal, i));
  const c = load<f64>(at(diagonal, j));
  const sum = a + c;
  const difference = a - c;
  const root = sqrt(difference * difference + 4 * b * b);
  if (sum == 0) {
    store<f64>(at(diagonal, i), 0.5 * root);
    store<f64>(at(diagonal, j), -0.5 * root);
    return;
  }
  const first = 0.5 * (sum < 0 ? sum - root : sum + root);
  const swap = abs(a) < abs(c);
  store<f64>(at(diagonal, i), first);
  store<f64>(at(diagonal, j), ((swap ? c : a) / first) * (swap ? a : c) - (b / first) * b);
}
