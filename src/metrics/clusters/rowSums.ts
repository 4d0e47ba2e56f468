import type { Matrix } from '../../linalg/matrix';

/** Adds `factor` times the sum of the given rows of a matrix to `sum`, four rows at a time so that it is loaded and stored less often. */
export function addRows(sum: Float64Array, { columns, data }: Matrix, rows: readonly number[], factor: number): void {
  let at = 0;
  for (; at + 4 <= rows.length; at += 4) {
    const a = (rows[at] as number) * columns;
    const b = (rows[at + 1] as number) * columns;
    const c = (rows[at + 2] as number) * columns;
    const d = (rows[at + 3] as number) * columns;
    for (let j = 0; j < columns; j++) {
      const four = (data[a + j] as number) + (data[b + j] as number) + ((data[c + j] as number) + (data[d + j] as number));
      sum[j] = (sum[j] as number) + factor * four;
    }
  }
  for (; at < rows.length; at++) {
    const a = (rows[at] as number) * columns;
    for (let j = 0; j < columns; j++) sum[j] = (sum[j] as number) + factor * (data[a + j] as number);
  }
}
