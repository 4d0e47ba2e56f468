import { type KernelSpace, sharedSpace } from './kernels';
import type { Matrix } from './matrix';

/** Numbers in a block: it should stay in the second cache. */
const numbersAtOnce = 1 << 14;

/** How many rows a block has room for when at least `leastRows` must have it. */
export function rowsInBlock({ rows, columns }: Matrix, leastRows: number): number {
  return Math.max(leastRows, Math.min(rows, Math.floor(numbersAtOnce / Math.max(1, columns))), 1);
}

/**
 * Some rows of a matrix at a time, in float64 in the memory of kernels, beside vectors that work on them needs. Like all that lies there, it is the caller's
 * until somebody else lays something out: in the shared space no block outlives an `await` or a call of other work.
 */
export class RowBlock {
  /** Rows that have room. */
  readonly rowsAtOnce: number;
  /** The rows that were loaded last. */
  readonly values: Float64Array;
  /** The address of `values`. */
  readonly address: number;
  /** The vectors; undefined at first, and what an earlier block with vectors of these lengths in a space of one's own left in them. */
  readonly vectors: readonly Float64Array[];
  private readonly narrow: Float32Array | null;

  /** @param lengths Of the vectors. @param leastRows How many rows must have room. @param space Where; default the shared one. */
  constructor(
    private readonly matrix: Matrix,
    lengths: readonly number[] = [],
    leastRows = 1,
    private readonly space: KernelSpace = sharedSpace(),
  ) {
    const { columns, data } = matrix;
    this.rowsAtOnce = rowsInBlock(matrix, leastRows);
    const length = this.rowsAtOnce * columns;
    const isNarrow = data instanceof Float32Array;
    // Vectors first: where they lie depends on their lengths alone.
    const vectors = space.layOut(...lengths, length, isNarrow ? Math.ceil(length / 2) : 0);
    const narrow = vectors.pop();
    this.values = vectors.pop() as Float64Array;
    this.address = this.values.byteOffset;
    this.narrow = isNarrow && narrow ? new Float32Array(narrow.buffer, narrow.byteOffset, length) : null;
    this.vectors = vectors;
  }

  /** Copies rows from `first` on to the block. */
  load(first: number, count: number): void {
    const { columns, data } = this.matrix;
    const rows = data.subarray(first * columns, (first + count) * columns);
    if (this.narrow === null) {
      this.values.set(rows);
      return;
    }
    this.narrow.set(rows);
    this.space.kernels.widen(this.narrow.byteOffset, this.address, rows.length);
  }

  /** Goes through all rows, block by block. */
  visit(work: (first: number, count: number) => void): void {
    const { rows } = this.matrix;
    for (let first = 0; first < rows; first += this.rowsAtOnce) {
      const count = Math.min(this.rowsAtOnce, rows - first);
      this.load(first, count);
      work(first, count);
    }
  }
}
