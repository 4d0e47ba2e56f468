import { shiftedRows, visitShifted } from './columnShift';
import type { Engine, GramOptions } from './engine';
import { block, evenParts, type Matrix, type Part, rowsOf, setBlock, spreadRows, toFloat64, zeros } from './matrix';

/** Height of a panel: enough for full speed of the product, little enough that the skipped half counts. */
const panelHeight = 192;
/** Terms that are widened to float64 at a time, so that memory does not grow with the probe. */
const chunkLength = 512;
/** Rows that become columns at a time. */
const rowsAtOnce = 64;

/**
 * Z'Z or ZZ' in float64 out of products of panels; only blocks on and below the diagonal are computed.
 * Each product of two float32 numbers is exact in float64, so the result is as good as its summation.
 */
export async function gram(engine: Pick<Engine, 'gemm'>, z: Matrix, side: 'columns' | 'rows', options: GramOptions): Promise<Matrix<Float64Array>> {
  const [size, inner] = side === 'columns' ? [z.columns, z.rows] : [z.rows, z.columns];
  const ranges = evenParts(size, panelHeight);
  const blocks = ranges.map((row, i) => ranges.slice(0, i + 1).map((column) => zeros(row.length, column.length)));
  // Panels are rows, contiguous: engines are faster at A B' than at A' B, by more than the transposing costs.
  const readChunk = side === 'columns' ? columnReader(z, options) : rowReader(options.shift ? shiftedRows(z, options.shift) : z);
  for (const [at, chunk] of evenParts(inner, chunkLength).entries()) {
    const lying = readChunk(chunk);
    const panels = ranges.map(({ start, length }) => rowsOf(lying, start, length));
    for (const [i, left] of panels.entries()) {
      for (const [j, right] of panels.slice(0, i + 1).entries()) {
        const sum = blocks[i]?.[j] as Matrix<Float64Array>;
        options.checkpoint?.();
        await engine.gemm(left, right, { transposeB: true, ...(at > 0 ? { addend: sum } : {}), into: sum.data });
      }
    }
  }
  const result = zeros(size, size);
  for (const [i, row] of ranges.entries()) {
    for (const [j, column] of ranges.slice(0, i + 1).entries()) setBlock(result, row.start, column.start, blocks[i]?.[j] as Matrix);
  }
  mirrorLower(result);
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

/** Copies the lower triangle over the upper one, in tiles that stay in the cache. */
export function mirrorLower({ rows, data }: Matrix<Float64Array>): void {
  const tile = 32;
  for (let rowTile = 0; rowTile < rows; rowTile += tile) {
    for (let columnTile = 0; columnTile <= rowTile; columnTile += tile) {
      for (let i = rowTile; i < Math.min(rowTile + tile, rows); i++) {
        for (let j = columnTile; j < Math.min(columnTile + tile, i); j++) data[j * rows + i] = data[i * rows + j] as number;
      }
    }
  }
}
