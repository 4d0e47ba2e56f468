import { at, sumOfLanes } from './vectors';

// Sums over rows, column by column. Rows lie one after the other; what is added up is added in the same order every time.

/** sum += factor * (the sum of the rows) */
export function addRows(sum: usize, rows: usize, count: i32, columns: i32, factor: f64): void {
  const stride = <usize>columns << 3;
  const factors = f64x2.splat(factor);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    let row = rows + <usize>i * stride;
    let to = sum;
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const upper = f64x2.add(v128.load(row), v128.load(row + stride));
      const lower = f64x2.add(v128.load(row + 2 * stride), v128.load(row + 3 * stride));
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(factors, f64x2.add(upper, lower))));
      row += 16;
      to += 16;
    }
    if (j < columns) {
      const four = load<f64>(row) + load<f64>(row + stride) + (load<f64>(row + 2 * stride) + load<f64>(row + 3 * stride));
      store<f64>(to, load<f64>(to) + factor * four);
    }
  }
  for (; i < count; i++) {
    let row = rows + <usize>i * stride;
    let to = sum;
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(factors, v128.load(row))));
      row += 16;
      to += 16;
    }
    if (j < columns) store<f64>(to, load<f64>(to) + factor * load<f64>(row));
  }
}

/** The same for rows of float32. */
export function addNarrowRows(sum: usize, rows: usize, count: i32, columns: i32, factor: f64): void {
  const factors = f64x2.splat(factor);
  for (let i = 0; i < count; i++) {
    let row = rows + ((<usize>i * <usize>columns) << 2);
    let to = sum;
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const four = v128.load(row);
      const low = f64x2.promote_low_f32x4(four);
      const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(four, four, 1, 0));
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(factors, low)));
      v128.store(to, f64x2.add(v128.load(to, 16), f64x2.mul(factors, high)), 16);
      row += 16;
      to += 32;
    }
    for (; j < columns; j++) {
      store<f64>(to, load<f64>(to) + factor * <f64>load<f32>(row));
      row += 4;
      to += 8;
    }
  }
}

/** sum += the squares of the rows of float32, column by column. */
export function addNarrowSquares(sum: usize, rows: usize, count: i32, columns: i32): void {
  for (let i = 0; i < count; i++) {
    let row = rows + ((<usize>i * <usize>columns) << 2);
    let to = sum;
    let j = 0;
    for (; j + 4 <= columns; j += 4) {
      const four = v128.load(row);
      const low = f64x2.promote_low_f32x4(four);
      const high = f64x2.promote_low_f32x4(v128.shuffle<u64>(four, four, 1, 0));
      v128.store(to, f64x2.add(v128.load(to), f64x2.mul(low, low)));
      v128.store(to, f64x2.add(v128.load(to, 16), f64x2.mul(high, high)), 16);
      row += 16;
      to += 32;
    }
    for (; j < columns; j++) {
      const value = <f64>load<f32>(row);
      store<f64>(to, load<f64>(to) + value * value);
      row += 4;
      to += 8;
    }
  }
}

/** varies[j] is set to other bits than 0 where a row differs from the first one. */
export function markVarying(varies: usize, first: usize, rows: usize, count: i32, columns: i32): void {
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const mark = at(varies, j);
      v128.store(mark, v128.or(v128.load(mark), f64x2.ne(v128.load(row), v128.load(at(first, j)))));
      row += 16;
    }
    if (j < columns) {
      if (load<f64>(row) != load<f64>(at(first, j))) store<i64>(at(varies, j), -1);
      row += 8;
    }
  }
}

/** sums += x - centre and squares += (x - centre)^2, column by column. */
export function addAround(rows: usize, count: i32, columns: i32, centre: usize, sums: usize, squares: usize): void {
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const difference = f64x2.sub(v128.load(row), v128.load(at(centre, j)));
      v128.store(at(sums, j), f64x2.add(v128.load(at(sums, j)), difference));
      v128.store(at(squares, j), f64x2.add(v128.load(at(squares, j)), f64x2.mul(difference, difference)));
      row += 16;
    }
    if (j < columns) {
      const difference = load<f64>(row) - load<f64>(at(centre, j));
      store<f64>(at(sums, j), load<f64>(at(sums, j)) + difference);
      store<f64>(at(squares, j), load<f64>(at(squares, j)) + difference * difference);
      row += 8;
    }
  }
}

/** sums += max(x, 0), column by column; answers with the sum of what was left out, the sizes of those below 0. */
export function addActive(rows: usize, count: i32, columns: i32, sums: usize): f64 {
  const zero = f64x2.splat(0);
  const stride = <usize>columns << 3;
  let below = zero;
  let last: f64 = 0;
  let j = 0;
  for (; j + 2 <= columns; j += 2) {
    let sum = v128.load(at(sums, j));
    let row = at(rows, j);
    for (let i = 0; i < count; i++) {
      const x = v128.load(row);
      const active = f64x2.pmax(zero, x);
      sum = f64x2.add(sum, active);
      below = f64x2.add(below, f64x2.sub(active, x));
      row += stride;
    }
    v128.store(at(sums, j), sum);
  }
  for (; j < columns; j++) {
    let row = at(rows, j);
    for (let i = 0; i < count; i++) {
      const x = load<f64>(row);
      store<f64>(at(sums, j), load<f64>(at(sums, j)) + max(x, 0));
      last += max(-x, 0);
      row += stride;
    }
  }
  return sumOfLanes(below) + last;
}

/** The same for rows of float32; what is below 0 is added up in float32 over the rows of one call. */
export function addNarrowActive(rows: usize, count: i32, columns: i32, sums: usize): f64 {
  const zero = f32x4.splat(0);
  const stride = <usize>columns << 2;
  let below = f64x2.splat(0);
  let last: f64 = 0;
  let j = 0;
  for (; j + 8 <= columns; j += 8) {
    let first = v128.load(at(sums, j));
    let second = v128.load(at(sums, j), 16);
    let third = v128.load(at(sums, j), 32);
    let fourth = v128.load(at(sums, j), 48);
    let inactive = zero;
    let row = rows + (<usize>j << 2);
    for (let i = 0; i < count; i++) {
      const x = v128.load(row);
      const y = v128.load(row, 16);
      const activeX = f32x4.pmax(zero, x);
      const activeY = f32x4.pmax(zero, y);
      inactive = f32x4.add(inactive, f32x4.add(f32x4.sub(activeX, x), f32x4.sub(activeY, y)));
      first = f64x2.add(first, f64x2.promote_low_f32x4(activeX));
      second = f64x2.add(second, f64x2.promote_low_f32x4(v128.shuffle<u64>(activeX, activeX, 1, 0)));
      third = f64x2.add(third, f64x2.promote_low_f32x4(activeY));
      fourth = f64x2.add(fourth, f64x2.promote_low_f32x4(v128.shuffle<u64>(activeY, activeY, 1, 0)));
      row += stride;
    }
    v128.store(at(sums, j), first);
    v128.store(at(sums, j), second, 16);
    v128.store(at(sums, j), third, 32);
    v128.store(at(sums, j), fourth, 48);
    below = f64x2.add(below, f64x2.add(f64x2.promote_low_f32x4(inactive), f64x2.promote_low_f32x4(v128.shuffle<u64>(inactive, inactive, 1, 0))));
  }
  for (; j < columns; j++) {
    let row = rows + (<usize>j << 2);
    for (let i = 0; i < count; i++) {
      const x = <f64>load<f32>(row);
      store<f64>(at(sums, j), load<f64>(at(sums, j)) + max(x, 0));
      last += max(-x, 0);
      row += stride;
    }
  }
  return sumOfLanes(below) + last;
}

/** With the means of a sample, its sums over its views: total += mean; where a mean is the largest yet, it is kept, and whose it is. Sets the sums to 0 and answers with theirs. */
export function takeMeans(sums: usize, columns: i32, views: f64, sample: f64, total: usize, largest: usize, whose: usize): f64 {
  const zero = f64x2.splat(0);
  const samples = f64x2.splat(sample);
  let all = zero;
  let last: f64 = 0;
  let j = 0;
  for (; j + 2 <= columns; j += 2) {
    const sum = v128.load(at(sums, j));
    const mean = f64x2.div(sum, f64x2.splat(views));
    const most = v128.load(at(largest, j));
    const isLarger = f64x2.gt(mean, most);
    all = f64x2.add(all, sum);
    v128.store(at(total, j), f64x2.add(v128.load(at(total, j)), mean));
    v128.store(at(largest, j), f64x2.pmax(most, mean));
    v128.store(at(whose, j), v128.bitselect(samples, v128.load(at(whose, j)), isLarger));
    v128.store(at(sums, j), zero);
  }
  if (j < columns) {
    last = load<f64>(at(sums, j));
    const mean = last / views;
    store<f64>(at(total, j), load<f64>(at(total, j)) + mean);
    if (mean > load<f64>(at(largest, j))) {
      store<f64>(at(largest, j), mean);
      store<f64>(at(whose, j), sample);
    }
    store<f64>(at(sums, j), 0);
  }
  return sumOfLanes(all) + last;
}
