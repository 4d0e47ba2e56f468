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

/** sums += max(x, 0), column by column; answers with the sum of all |x|. */
export function addActive(rows: usize, count: i32, columns: i32, sums: usize): f64 {
  const zero = f64x2.splat(0);
  let sizes = zero;
  let last: f64 = 0;
  let row = rows;
  for (let i = 0; i < count; i++) {
    let j = 0;
    for (; j + 2 <= columns; j += 2) {
      const two = v128.load(row);
      sizes = f64x2.add(sizes, f64x2.abs(two));
      v128.store(at(sums, j), f64x2.add(v128.load(at(sums, j)), f64x2.pmax(zero, two)));
      row += 16;
    }
    if (j < columns) {
      const one = load<f64>(row);
      last += abs(one);
      store<f64>(at(sums, j), load<f64>(at(sums, j)) + max(one, 0));
      row += 8;
    }
  }
  return sumOfLanes(sizes) + last;
}
