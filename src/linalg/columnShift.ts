import { kernels } from './kernels';
import type { Matrix } from './matrix';
import { RowBlock } from './rowBlock';

/** What is done to the columns of a matrix while its rows are read: x becomes ((scale x - first) - rest) factor. */
export interface ColumnShift {
  readonly scale: number;
  /** [columns] */
  readonly first: Float64Array;
  /** [columns] Apart from `first`, so that a large one takes up no digits of the other. */
  readonly rest: Float64Array | null;
  /** [columns] */
  readonly factor: Float64Array | null;
}

/** Goes through rows of a matrix in float64, shifted; `work` has the block for itself. */
export function visitShifted(matrix: Matrix, shift: ColumnShift | null, rowsAtOnce: number, work: (values: Float64Array, first: number, count: number) => void): void {
  const { rows, columns } = matrix;
  const { centre, scaleColumns } = kernels();
  const block = new RowBlock(matrix, shift === null ? [] : [columns, columns, columns], Math.min(rows, rowsAtOnce));
  const [first, rest, factor] = block.vectors as [Float64Array, Float64Array, Float64Array];
  if (shift !== null) {
    first.set(shift.first);
    if (shift.rest !== null) rest.set(shift.rest);
    if (shift.factor !== null) factor.set(shift.factor);
  }
  block.visit((from, count) => {
    if (shift !== null) {
      centre(block.address, count, columns, first.byteOffset, shift.scale);
      if (shift.rest !== null) centre(block.address, count, columns, rest.byteOffset, 1);
      if (shift.factor !== null) scaleColumns(block.address, count, columns, factor.byteOffset);
    }
    work(block.values, from, count);
  });
}

/** The rows in float64, shifted. */
export function shiftedRows(matrix: Matrix, shift: ColumnShift): Matrix<Float64Array> {
  const { rows, columns } = matrix;
  const data = new Float64Array(rows * columns);
  visitShifted(matrix, shift, 1, (values, first, count) => data.set(values.subarray(0, count * columns), first * columns));
  return { rows, columns, data };
}
