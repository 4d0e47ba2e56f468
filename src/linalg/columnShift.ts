import { type KernelSpace, sharedSpace } from './kernels';
import type { Matrix } from './matrix';
import { RowBlock, rowsInBlock } from './rowBlock';

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

export interface VisitOptions {
  /** Where the rows lie. Default: the shared space. */
  readonly space?: KernelSpace;
  /** Of vectors beside them that `work` needs. Default: none. */
  readonly lengths?: readonly number[];
}

type Work = (values: Float64Array, first: number, count: number, vectors: readonly Float64Array[]) => void;

/** Goes through rows of a matrix in float64, shifted; `work` has the block and the vectors beside it for itself. */
export function visitShifted(matrix: Matrix, shift: ColumnShift | null, rowsAtOnce: number, work: Work, options: VisitOptions = {}): void {
  const { rows, columns } = matrix;
  const { space = sharedSpace(), lengths = [] } = options;
  const { centre, scaleColumns } = space.kernels;
  const own = shift === null ? 0 : columns;
  const block = new RowBlock(matrix, [...lengths, own, own, own], Math.min(rows, rowsAtOnce), space);
  const vectors = block.vectors.slice(0, lengths.length);
  const [first, rest, factor] = block.vectors.slice(lengths.length) as [Float64Array, Float64Array, Float64Array];
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
    work(block.values, from, count, vectors);
  });
}

/** The rows in float64, shifted. */
export function shiftedRows(matrix: Matrix, shift: ColumnShift): Matrix<Float64Array> {
  const { rows, columns } = matrix;
  const data = new Float64Array(rows * columns);
  visitShifted(matrix, shift, 1, (values, first, count) => data.set(values.subarray(0, count * columns), first * columns));
  return { rows, columns, data };
}

/** Rows that become columns at a time: so many that columns are long runs, so few that their block stays in the second cache. */
const rowsAtOnce = 64;

/** A matrix of columns in a space of kernels. */
export interface ColumnsPlace {
  readonly space: KernelSpace;
  /** Of vectors in that space: those of an earlier call with the same lengths stay as they are. */
  readonly lengths: readonly number[];
  /** Which of them takes the columns. */
  readonly at: number;
}

/** The rows as columns, shifted, in float64: columns x rows. They lie in a space of kernels until something else is laid out there. */
export function placeColumns(matrix: Matrix, shift: ColumnShift | null, { space, lengths, at }: ColumnsPlace): Matrix<Float64Array> {
  const { rows, columns } = matrix;
  let lying = new Float64Array(0);
  const turn: Work = (values, first, count, vectors) => {
    lying = vectors[at] as typeof lying;
    space.kernels.transposeTo(values.byteOffset, columns, lying.byteOffset + first * lying.BYTES_PER_ELEMENT, rows, count, columns);
  };
  visitShifted(matrix, shift, rowsAtOnce, turn, { space, lengths });
  return { rows: columns, columns: rows, data: lying.subarray(0, columns * rows) };
}

/** The same, rounded to float32: they take half the numbers that a vector has room for. */
export function placeColumnsNarrow(matrix: Matrix, shift: ColumnShift | null, { space, lengths, at }: ColumnsPlace): void {
  const { rows, columns } = matrix;
  const turn: Work = (values, first, count, vectors) => {
    const to = (vectors[at] as Float64Array).byteOffset + first * Float32Array.BYTES_PER_ELEMENT;
    space.kernels.transposeNarrow(values.byteOffset, columns, to, rows, count, columns);
  };
  visitShifted(matrix, shift, rowsAtOnce, turn, { space, lengths });
}

/** Rows of a matrix of its own that are turned at a time: what a run costs to copy is little beside its numbers. */
const runLength = 256;

/** The rows as columns, shifted, in float64: columns x rows. */
export function shiftedColumns(matrix: Matrix, shift: ColumnShift, checkpoint?: () => void): Matrix<Float64Array> {
  const { rows, columns } = matrix;
  const data = new Float64Array(rows * columns);
  const turn: Work = (values, first, count, vectors) => {
    checkpoint?.();
    const [run] = vectors as [Float64Array];
    sharedSpace().kernels.transposeTo(values.byteOffset, columns, run.byteOffset, count, count, columns);
    for (let j = 0; j < columns; j++) data.set(run.subarray(j * count, (j + 1) * count), j * rows + first);
  };
  visitShifted(matrix, shift, runLength, turn, { lengths: [columns * rowsInBlock(matrix, Math.min(rows, runLength))] });
  return { rows: columns, columns: rows, data };
}
