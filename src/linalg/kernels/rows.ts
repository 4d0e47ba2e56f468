import { addRows } from './columns';
import { at, dot, sumOfLanes } from './vectors';

// Rows of float64 lie one after the other. What is added up over them is added in the same order every time.

/** y = x, from float32. */
export function widen(x: usize, y: usize, length: i32): void {
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const four = v128.load(x);
    v128.store(y, f64x2.promote_low_f32x4(four));
    v128.store(y, f64x2.promote_low_f32x4(v128.shuffle<u64>(four, four, 1, 0)), 16);
    x += 16;
    y += 32;
  }
  for (; i < length; i++) {
    store<f64>(y, <f64>load<f32>(x));
    x += 4;
    y += 8;
  }
}

/** The lower triangle of I + factor X X', count x count; four products at a time. */
export function shiftedGram(rows: usize, count: i32, columns: i32, factor: f64, gram: usize): void {
  const stride = <usize>columns << 3;
  for (let i = 0; i < count; i += 2) {
    const upper = rows + <usize>i * stride;
    const lower = i + 1 < count ? upper + stride : upper;
    for (let j = 0; j <= i; j += 2) {
      const left = rows + <usize>j * stride;
      const right = j + 1 < count ? left + stride : left;
      let ul = f64x2.splat(0);
      let ur = ul;
      let ll = ul;
      let lr = ul;
      let k = 0;
      for (; k + 2 <= columns; k += 2) {
        const u = v128.load(at(upper, k));
        const l = v128.load(at(lower, k));
        const s = v128.load(at(left, k));
        const t = v128.load(at(right, k));
        ul = f64x2.add(ul, f64x2.mul(u, s));
        ur = f64x2.add(ur, f64x2.mul(u, t));
        ll = f64x2.add(ll, f64x2.mul(l, s));
        lr = f64x2.add(lr, f64x2.mul(l, t));
      }
      let ulSum = sumOfLanes(ul);
      let urSum = sumOfLanes(ur);
      let llSum = sumOfLanes(ll);
      let lrSum = sumOfLanes(lr);
      if (k < columns) {
        const u = load<f64>(at(upper, k));
        const l = load<f64>(at(lower, k));
        const s = load<f64>(at(left, k));
        const t = load<f64>(at(right, k));
        ulSum += u * s;
        urSum += u * t;
        llSum += l * s;
        lrSum += l * t;
      }
      const to = gram + ((<usize>i * <usize>count + <usize>j) << 3);
      const below = to + (<usize>count << 3);
      store<f64>(to, factor * ulSum);
      if (j + 1 < count) store<f64>(to, factor * urSum, 8);
      if (i + 1 < count) store<f64>(below, factor * llSum);
      if (i + 1 < count && j + 1 < count) store<f64>(below, factor * lrSum, 8);
    }
  }
  for (let i = 0; i < count; i++) {
    const place = gram + ((<usize>i * <usize>(count + 1)) << 3);
    store<f64>(place, load<f64>(place) + 1);
  }
}

/** The largest |x - centre|. */
export function largestAround(rows: usize, count: i32, columns: i32, centre: usize): f64 {
  let most = f64x2.splat(0);
  let last: f64 = 0;
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      most = f64x2.pmax(most, f64x2.abs(f64x2.sub(v128.load(row), v128.load(at(centre, j)))));
      row += 16;
    }
    if (j < columns) {
      last = max(last, abs(load<f64>(row) - load<f64>(at(centre, j))));
      row += 8;
    }
  }
  return max(last, max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)));
}

/** x = scale x - centre */
export function centre(rows: usize, count: i32, columns: i32, centre: usize, scale: f64): void {
  const scales = f64x2.splat(scale);
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      v128.store(row, f64x2.sub(f64x2.mul(scales, v128.load(row)), v128.load(at(centre, j))));
      row += 16;
    }
    if (j < columns) {
      store<f64>(row, scale * load<f64>(row) - load<f64>(at(centre, j)));
      row += 8;
    }
  }
}

/** Rows as (x - centre) * scale in float32, into `narrow`, and the squared length of each of these, into `squares`. */
export function narrowAround(rows: usize, count: i32, columns: i32, centre: usize, scale: f64, narrow: usize, squares: usize): void {
  const scales = f64x2.splat(scale);
  let row = rows;
  let to = narrow;
  for (let i = 0; i < count; i++) {
    let sums = f64x2.splat(0);
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const pair = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(v128.load(row), v128.load(at(centre, j))), scales));
      v128.store64_lane(to, pair, 0);
      const rounded = f64x2.promote_low_f32x4(pair);
      sums = f64x2.add(sums, f64x2.mul(rounded, rounded));
      row += 16;
      to += 8;
    }
    let first = f64x2.extract_lane(sums, 0);
    if (j < columns) {
      const last = <f32>((load<f64>(row) - load<f64>(at(centre, j))) * scale);
      store<f32>(to, last);
      first += <f64>last * <f64>last;
      row += 8;
      to += 4;
    }
    store<f64>(at(squares, i), first + f64x2.extract_lane(sums, 1));
  }
}

/** x = factor x, every column with a factor of its own. */
export function scaleColumns(rows: usize, count: i32, columns: i32, factors: usize): void {
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      v128.store(row, f64x2.mul(v128.load(row), v128.load(at(factors, j))));
      row += 16;
    }
    if (j < columns) {
      store<f64>(row, load<f64>(row) * load<f64>(at(factors, j)));
      row += 8;
    }
  }
}

/** x = ((x - centre) scale + rounder) - rounder; `squares` gets the squared length of each row. */
export function roundAround(rows: usize, count: i32, columns: i32, centre: usize, scale: f64, rounder: f64, squares: usize): void {
  const scales = f64x2.splat(scale);
  const rounders = f64x2.splat(rounder);
  let row = rows;
  for (let i = 0; i < count; i++) {
    let total = f64x2.splat(0);
    let other = f64x2.splat(0);
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const from = at(centre, j);
      const first = f64x2.sub(f64x2.add(f64x2.mul(f64x2.sub(v128.load(row), v128.load(from)), scales), rounders), rounders);
      const second = f64x2.sub(f64x2.add(f64x2.mul(f64x2.sub(v128.load(row, 16), v128.load(from, 16)), scales), rounders), rounders);
      v128.store(row, first);
      v128.store(row, second, 16);
      total = f64x2.add(total, f64x2.mul(first, first));
      other = f64x2.add(other, f64x2.mul(second, second));
      row += 32;
    }
    let sum = sumOfLanes(f64x2.add(total, other));
    for (; j < columns; j++) {
      const value = (load<f64>(row) - load<f64>(at(centre, j))) * scale + rounder - rounder;
      store<f64>(row, value);
      sum += value * value;
      row += 8;
    }
    store<f64>(at(squares, i), sum);
  }
}

/** x = floor(factor x + 1/2), every row with a factor of its own. */
export function roundToWhole(rows: usize, count: i32, columns: i32, factors: usize): void {
  const half = f64x2.splat(0.5);
  let row = rows;
  for (let i = 0; i < count; i++) {
    const factor = load<f64>(at(factors, i));
    const scales = f64x2.splat(factor);
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      v128.store(row, f64x2.floor(f64x2.add(f64x2.mul(v128.load(row), scales), half)));
      row += 16;
    }
    if (j < columns) {
      store<f64>(row, Math.floor(load<f64>(row) * factor + 0.5));
      row += 8;
    }
  }
}

/** x /= ||x||; `squares` gets what the squared length of each row was. */
export function normalize(rows: usize, count: i32, columns: i32, squares: usize): void {
  const stride = <usize>columns << 3;
  for (let i = 0; i < count; i++) {
    const row = rows + <usize>i * stride;
    let first = f64x2.splat(0);
    let second = f64x2.splat(0);
    let x = row;
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const a = v128.load(x);
      const b = v128.load(x, 16);
      first = f64x2.add(first, f64x2.mul(a, a));
      second = f64x2.add(second, f64x2.mul(b, b));
      x += 32;
    }
    let total = sumOfLanes(f64x2.add(first, second));
    for (; j < columns; j++) {
      total += load<f64>(x) * load<f64>(x);
      x += 8;
    }
    store<f64>(at(squares, i), total);
    const inverse = 1 / Math.sqrt(total);
    const inverses = f64x2.splat(inverse);
    x = row;
    for (j = 0; j + 2 <= columns; j += 2) {
      v128.store(x, f64x2.mul(v128.load(x), inverses));
      x += 16;
    }
    if (j < columns) store<f64>(x, load<f64>(x) * inverse);
  }
}

/** The sum over all rows of weight (x - centre)^2. */
export function weightedScatter(rows: usize, count: i32, columns: i32, centre: usize, weights: usize): f64 {
  let total = f64x2.splat(0);
  let last: f64 = 0;
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const difference = f64x2.sub(v128.load(row), v128.load(at(centre, j)));
      total = f64x2.add(total, f64x2.mul(f64x2.mul(v128.load(at(weights, j)), difference), difference));
      row += 16;
    }
    if (j < columns) {
      const difference = load<f64>(row) - load<f64>(at(centre, j));
      last += load<f64>(at(weights, j)) * difference * difference;
      row += 8;
    }
  }
  return sumOfLanes(total) + last;
}

/** The sum over all rows of ||x - mean||^2; the mean goes to `mean`. */
export function scatter(rows: usize, count: i32, columns: i32, mean: usize): f64 {
  memory.fill(mean, 0, <usize>columns << 3);
  addRows(mean, rows, count, columns, 1);
  for (let j = 0; j < columns; j++) store<f64>(at(mean, j), load<f64>(at(mean, j)) / <f64>count);
  let total = f64x2.splat(0);
  let last: f64 = 0;
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const difference = f64x2.sub(v128.load(row), v128.load(at(mean, j)));
      total = f64x2.add(total, f64x2.mul(difference, difference));
      row += 16;
    }
    if (j < columns) {
      const difference = load<f64>(row) - load<f64>(at(mean, j));
      last += difference * difference;
      row += 8;
    }
  }
  return sumOfLanes(total) + last;
}

/**
 * Of each of `count` points the smallest and the second smallest of offset + factor * value over the choices, and which choice is the smallest, the lower number
 * winning a tie. `values` is choices x count; results are float64 all three.
 */
export function smallestTwo(values: usize, choices: i32, count: i32, offsets: usize, factors: usize, best: usize, second: usize, nearest: usize): void {
  const stride = <usize>count << 3;
  const infinity = f64x2.splat(Infinity);
  let i = 0;
  for (; i + 2 <= count; i += 2) {
    let least = infinity;
    let next = infinity;
    let place = f64x2.splat(-1);
    let from = at(values, i);
    for (let choice = 0; choice < choices; choice++) {
      const value = f64x2.add(v128.load64_splat(at(offsets, choice)), f64x2.mul(v128.load64_splat(at(factors, choice)), v128.load(from)));
      const isLess = f64x2.lt(value, least);
      next = f64x2.pmin(next, v128.bitselect(least, value, isLess));
      least = v128.bitselect(value, least, isLess);
      place = v128.bitselect(f64x2.splat(<f64>choice), place, isLess);
      from += stride;
    }
    v128.store(at(best, i), least);
    v128.store(at(second, i), next);
    v128.store(at(nearest, i), place);
  }
  if (i < count) {
    let least: f64 = Infinity;
    let next: f64 = Infinity;
    let place = -1;
    let from = at(values, i);
    for (let choice = 0; choice < choices; choice++) {
      const value = load<f64>(at(offsets, choice)) + load<f64>(at(factors, choice)) * load<f64>(from);
      if (value < least) {
        next = least;
        least = value;
        place = choice;
      } else if (value < next) next = value;
      from += stride;
    }
    store<f64>(at(best, i), least);
    store<f64>(at(second, i), next);
    store<f64>(at(nearest, i), <f64>place);
  }
}

/** The largest |x| of each row; NaN where there is one. */
export function largestSizes(rows: usize, count: i32, columns: i32, sizes: usize): void {
  let row = rows;
  for (let i = 0; i < count; i++) {
    let most = f64x2.splat(0);
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      most = f64x2.max(most, f64x2.abs(v128.load(row)));
      row += 16;
    }
    let size = max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1));
    if (j < columns) {
      size = max(size, abs(load<f64>(row)));
      row += 8;
    }
    store<f64>(at(sizes, i), size);
  }
}

/** products[i] = the row i times the vector */
export function timesVector(rows: usize, count: i32, columns: i32, vector: usize, products: usize): void {
  const stride = <usize>columns << 3;
  for (let i = 0; i < count; i++) store<f64>(at(products, i), dot(rows + <usize>i * stride, vector, columns));
}

/** x_ij -= v_i w_j + w_i v_j for rows that begin at `first` of the vectors. */
export function subtractRankTwo(rows: usize, first: i32, count: i32, columns: i32, v: usize, w: usize): void {
  let row = rows;
  for (let i = first; i < first + count; i++) {
    const vi = load<f64>(at(v, i));
    const wi = load<f64>(at(w, i));
    const vs = f64x2.splat(vi);
    const ws = f64x2.splat(wi);
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const sum = f64x2.add(f64x2.mul(vs, v128.load(at(w, j))), f64x2.mul(ws, v128.load(at(v, j))));
      v128.store(row, f64x2.sub(v128.load(row), sum));
      row += 16;
    }
    if (j < columns) {
      store<f64>(row, load<f64>(row) - (vi * load<f64>(at(w, j)) + wi * load<f64>(at(v, j))));
      row += 8;
    }
  }
}
