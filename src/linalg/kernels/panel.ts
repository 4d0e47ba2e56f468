import { multiply, transposeTo } from './product';
import { makeReflector, reflect } from './reflectors';
import { at, dot } from './vectors';

/**
 * Panel = Q R with Q = I - V T V' (compact WY, LAPACK larft). The panel (rows x columns) is stored by columns and becomes V, with
 * ones on its diagonal and zeros above; R and T (columns x columns, row-major) must come in as zeros.
 */
export function factorizePanel(panel: usize, rows: i32, columns: i32, r: usize, t: usize): void {
  const stride = <usize>rows << 3;
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
 * V and Y are stored by columns, P row-major, `lying` = [V Y] row-major. `work` holds 2 columns^2 numbers.
 */
export function rankUpdateFactor(v: usize, p: usize, t: usize, rows: i32, columns: i32, y: usize, lying: usize, work: usize): void {
  const wide = 2 * columns;
  const inner = work;
  const half = at(inner, columns * columns);
  // half = T' (V' P) T / 2
  multiply(v, rows, 1, p, columns, half, columns, columns, columns, rows, false);
  multiply(half, columns, 1, t, columns, inner, columns, columns, columns, columns, false);
  multiply(t, 1, columns, inner, columns, half, columns, columns, columns, columns, false);
  for (let i = 0; i < columns * columns; i++) store<f64>(at(half, i), 0.5 * load<f64>(at(half, i)));
  transposeTo(v, rows, lying, wide, columns, rows);
  multiply(p, columns, 1, t, columns, at(lying, columns), wide, rows, columns, columns, false);
  multiply(lying, wide, 1, half, columns, at(lying, columns), wide, rows, columns, columns, true);
  transposeTo(at(lying, columns), wide, y, rows, rows, columns);
}
