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

/** Two sweeps, or an eigenvalue or two taken off. Answers with what it cost. */
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
  sweeps += 2;
  // The eigenvalues of the first two rows; last comes the one that is nearer to the first row.
  const p1 = load<f64>(at(diagonal, l + direction));
  const half = (p1 - p0) / (2 * root);
  const hypotenuse = sqrt(half * half + 1);
  const sigma = p0 - root / (half + (half >= 0 ? hypotenuse : -hypotenuse));
  sweepTwice(l, m, p0 + p1 - sigma, sigma);
  return (m - l) * direction;
}

/**
 * Two sweeps from m to l, a lane each, of which the second follows two rows behind the first: divisions of a sweep wait for each other, so that two sweeps take
 * no longer than one. The first stores nothing; what it makes of a row goes to the second.
 */
function sweepTwice(l: i32, m: i32, firstShift: f64, secondShift: f64): void {
  const shifts = f64x2.replace_lane(f64x2.splat(firstShift), 1, secondShift);
  const one = f64x2.splat(1);
  const steps = (m - l) * direction;
  const back = <isize>direction * -8;
  let d: usize = at(diagonal, m - direction);
  let e = coupling(m - direction);
  let c = one;
  let s = f64x2.splat(0);
  let gamma = f64x2.sub(f64x2.splat(load<f64>(at(diagonal, m))), shifts);
  let p = f64x2.mul(gamma, gamma);
  let alphas = one;
  let squares = one;
  // Of rows m and l, as the first sweep leaves them.
  let alphaOfFirst: f64 = 0;
  let alphaOfLast: f64 = 0;
  let squareOfLast: f64 = 0;
  for (let step = 1; step <= steps + 2; step++) {
    if (step == 3) {
      const start = alphaOfFirst - secondShift;
      c = f64x2.replace_lane(c, 1, 1);
      s = f64x2.replace_lane(s, 1, 0);
      gamma = f64x2.replace_lane(gamma, 1, start);
      p = f64x2.replace_lane(p, 1, start * start);
    }
    const isFirstAtWork = step <= steps;
    alphas = v128.shuffle<f64>(isFirstAtWork ? v128.load64_zero(d) : one, alphas, 0, 2);
    squares = v128.shuffle<f64>(isFirstAtWork ? v128.load64_zero(e) : one, squares, 0, 2);

    const r = f64x2.add(p, squares);
    const before = c;
    const finishedSquare = f64x2.mul(s, r);
    c = f64x2.div(p, r);
    s = f64x2.div(squares, r);
    const old = gamma;
    const numerator = f64x2.sub(f64x2.mul(p, f64x2.sub(alphas, shifts)), f64x2.mul(squares, old));
    gamma = f64x2.div(numerator, r);
    const finishedAlpha = f64x2.add(old, f64x2.sub(alphas, gamma));
    // gamma^2 / c: how long a sweep takes is how long its divisions wait for each other, and so this one does not wait for those two.
    const next = f64x2.div(f64x2.mul(numerator, numerator), f64x2.mul(r, p));
    p = v128.bitselect(next, f64x2.mul(before, squares), f64x2.ne(c, f64x2.splat(0)));

    if (step >= 3) v128.store64_lane(<usize>(<isize>d - 3 * back), finishedAlpha, 1);
    if (step >= 4) v128.store64_lane(<usize>(<isize>e - 3 * back), finishedSquare, 1);
    alphas = v128.shuffle<f64>(finishedAlpha, finishedAlpha, 0, 0);
    squares = v128.shuffle<f64>(finishedSquare, finishedSquare, 0, 0);
    if (step == 1) alphaOfFirst = f64x2.extract_lane(finishedAlpha, 0);
    if (step == steps) {
      alphaOfLast = firstShift + f64x2.extract_lane(gamma, 0);
      squareOfLast = f64x2.extract_lane(s, 0) * f64x2.extract_lane(p, 0);
    }
    if (step == steps + 1) {
      alphas = f64x2.splat(alphaOfLast);
      squares = f64x2.splat(squareOfLast);
    }
    d = <usize>(<isize>d + back);
    e = <usize>(<isize>e + back);
  }
  store<f64>(coupling(l), f64x2.extract_lane(s, 1) * f64x2.extract_lane(p, 1));
  store<f64>(at(diagonal, l), secondShift + f64x2.extract_lane(gamma, 1));
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
