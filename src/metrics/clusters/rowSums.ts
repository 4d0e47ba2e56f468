import { kernels, layOut } from '../../linalg/kernels';
import type { Matrix } from '../../linalg/matrix';

/** Rows that are copied to the kernels' memory at a time. */
const rowsAtOnce = 8;

/** Adds `factor` times the sum of the given rows of a matrix to `sum`. */
export function addRows(sum: Float64Array, { columns, data }: Matrix, rows: readonly number[], factor: number): void {
  if (rows.length === 0) return;
  const [total, block] = layOut(columns, rowsAtOnce * columns);
  total.set(sum);
  const isNarrow = data instanceof Float32Array;
  const own = isNarrow ? new Float32Array(block.buffer, block.byteOffset, block.length) : block;
  const { addNarrowRows, addRows: addWideRows } = kernels();
  const add = isNarrow ? addNarrowRows : addWideRows;
  for (let at = 0; at < rows.length; at += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, rows.length - at);
    for (let i = 0; i < count; i++) {
      const start = (rows[at + i] as number) * columns;
      own.set(data.subarray(start, start + columns), i * columns);
    }
    add(total.byteOffset, block.byteOffset, count, columns, factor);
  }
  sum.set(total);
}
