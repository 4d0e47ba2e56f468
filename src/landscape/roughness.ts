import { zeros } from '../linalg/matrix';
import { symmetricEigenvectors } from '../linalg/symmetricEigenvectors';
import { lossAt, type LossGrid } from './lossGrid';

/** 1, x, y, x^2, x y, y^2 */
const terms = 6;

/**
 * Root mean square residual of the best quadratic in x and y, over the range of the losses: 0 for a bowl, up to about a half for noise.
 * Points that are not known are left out. Null with fewer than seven; 0 where all losses are equal.
 */
export function roughnessOf(grid: LossGrid): number | null {
  const rows: { readonly term: readonly number[]; readonly loss: number }[] = [];
  // Coordinates within [-1, 1] keep the normal equations well conditioned.
  const [scaleX, scaleY] = [grid.x, grid.y].map((axis) => Math.max(...axis.map(Math.abs))) as [number, number];
  grid.y.forEach((down, row) => {
    grid.x.forEach((across, column) => {
      const loss = lossAt(grid, column, row);
      const [x, y] = [across / scaleX, down / scaleY];
      if (loss !== null) rows.push({ term: [1, x, y, x * x, x * y, y * y], loss });
    });
  });
  if (rows.length <= terms) return null;
  let [least, most] = [Infinity, -Infinity];
  for (const { loss } of rows) [least, most] = [Math.min(least, loss), Math.max(most, loss)];
  if (least === most) return 0;
  const gram = zeros(terms, terms);
  const moments = new Float64Array(terms);
  for (const { term, loss } of rows) {
    for (let i = 0; i < terms; i++) {
      moments[i]! += term[i]! * (loss - least);
      for (let j = 0; j < terms; j++) gram.data[i * terms + j]! += term[i]! * term[j]!;
    }
  }
  const { values, vectors } = symmetricEigenvectors(gram);
  const coefficients = new Float64Array(terms);
  for (let k = 0; k < terms; k++) {
    // What the points cannot tell apart is left at 0.
    if (values[k]! <= 1e-12 * values[0]!) continue;
    const vector = vectors.data.subarray(k * terms, (k + 1) * terms);
    const share = vector.reduce((sum, value, i) => sum + value * moments[i]!, 0) / values[k]!;
    for (let i = 0; i < terms; i++) coefficients[i]! += share * vector[i]!;
  }
  const squares = rows.reduce((sum, { term, loss }) => sum + (term.reduce((fit, value, i) => fit + value * coefficients[i]!, 0) - (loss - least)) ** 2, 0);
  return Math.sqrt(squares / rows.length) / (most - least);
}
