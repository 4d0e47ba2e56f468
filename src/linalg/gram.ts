import { shiftedRows, visitShifted } from './columnShift';
import type { Engine, GramOptions } from './engine';
import { block, evenParts, type Matrix, type Part, rowsOf, setBlock, spreadRows, toFloat64, zeros } from './matrix';

/** Width of a panel: enough for full speed of its products, which are tall, little enough that few elements below the diagonal are computed. Measured. */
const panelWidth = 64;
/** Terms that are widened to float64 at a time, so that memory does not grow with the probe. */
const chunkLength = 256;
/** Rows that become columns at a time. */
const rowsAtOnce = 64;

/**
 * Z'Z or ZZ' in float64 out of products of all before a panel and itself with it: little more than the upper triangle.
 * Each product of two float32 numbers is exact in float64, so the result is as good as its summation.
 */
export async function gram(engine: Pick<Engine, 'gemm'>, z: Matrix, side: 'columns' | 'rows', options: GramOptions): Promise<Matrix<Float64Array>> {
  const [size, inner] = side === 'columns' ? [z.columns, z.rows] : [z.rows, z.columns];
  const ranges = evenParts(size, panelWidth);
  const sums = ranges.map(({ start, length }) => zeros(start + length, length));
  // Panels are rows, contiguous: engines are faster at A B' than at A' B, by more than the transposing costs.
  const readChunk = side === 'columns' ? columnReader(z, options) : rowReader(options.shift ? shiftedRows(z, options.shift) : z);
  for (const [at, chunk] of evenParts(inner, chunkLength).entries()) {
    const lying = readChunk(chunk);
    for (const [i, { start, length }] of ranges.entries()) {
      const sum = sums[i] as Matrix<Float64Array>;
      options.checkpoint?.();
      const addend = at > 0 ? { addend: sum } : {};
      await engine.gemm(rowsOf(lying, 0, start + length), rowsOf(lying, start, length), { transposeB: true, ...addend, into: sum.data, checkpoint: options.checkpoint });
    }
  }
  const result = zeros(size, size);
  for (const [i, { start }] of ranges.entries()) setBlock(result, 0, start, sums[i] as Matrix);
  mirrorUpper(result);
  return result;
}

/** Chunks of rows as columns, always in the same memory. */
function columnReader(z: Matrix, { shift }: GramOptions): (chunk: Part) => Matrix<Float64Array> {
  const { columns } = z;
  const buffer = new Float64Array(columns * Math.min(z.rows, chunkLength));
  return ({ start, length }) => {
    const data = buffer.subarray(0, columns * length);
    visitShifted(rowsOf(z, start, length), shift ?? null, rowsAtOnce, (values, first, count) => spreadRows(values, count, columns, data, length, first));
    return { rows: columns, columns: length, data };
  };
}

/** Chunks of columns; not copied where one is the whole and in float64 already. */
function rowReader(z: Matrix): (chunk: Part) => Matrix<Float64Array> {
  return ({ start, length }) => (length === z.columns ? toFloat64(z) : block(z, 0, start, z.rows, length));
}

/** Copies the upper triangle over the lower one, in tiles that stay in the cache. */
function mirrorUpper({ rows, data }: Matrix<Float64Array>): void {
  const tile = 32;
  for (let rowTile = 0; rowTile < rows; rowTile += tile) {
    for (let columnTile = 0; columnTile <= rowTile; columnTile += tile) {
      for (let i = rowTile; i < Math.min(rowTile + tile, rows); i++) {
        for (let j = columnTile; j < Math.min(columnTile + tile, i); j++) data[i * rows + j] = data[j * rows + i] as number;
      }
    }
  }
}
