import { placeColumns, shiftedRows } from './columnShift';
import type { Engine, GramOptions } from './engine';
import { withOwnSpace } from './kernels';
import { block, evenParts, type Matrix, type Part, rowsOf, setBlock, toFloat64, zeros } from './matrix';

/** Width of a panel: enough for full speed of its products, which are tall, little enough that few elements below the diagonal are computed. Measured. */
const panelWidth = 64;
/** Terms that are widened to float64 at a time, so that memory does not grow with the probe. */
const chunkLength = 256;
/**
 * Z'Z or ZZ' in float64 out of products of all before a panel and itself with it: little more than the upper triangle.
 * Each product of two float32 numbers is exact in float64, so the result is as good as its summation.
 */
export function gram(engine: Pick<Engine, 'gemm'>, z: Matrix, side: 'columns' | 'rows', options: GramOptions): Promise<Matrix<Float64Array>> {
  const { shift = null, checkpoint } = options;
  // Panels are rows, contiguous: engines are faster at A B' than at A' B, by more than the transposing costs.
  if (side === 'rows') return sumChunks(engine, z.rows, z.columns, rowReader(shift ? shiftedRows(z, shift) : z), checkpoint);
  return withOwnSpace((space) => {
    const place = { space, lengths: [z.columns * Math.min(z.rows, chunkLength)], at: 0 };
    return sumChunks(engine, z.columns, z.rows, ({ start, length }) => placeColumns(rowsOf(z, start, length), shift, place), checkpoint);
  });
}

/** The sum of XX' over chunks X of columns: size x some of `inner`. */
async function sumChunks(
  engine: Pick<Engine, 'gemm'>,
  size: number,
  inner: number,
  readChunk: (chunk: Part) => Matrix<Float64Array>,
  checkpoint: (() => void) | undefined,
): Promise<Matrix<Float64Array>> {
  const ranges = evenParts(size, panelWidth);
  const sums = ranges.map(({ start, length }) => zeros(start + length, length));
  for (const [at, chunk] of evenParts(inner, chunkLength).entries()) {
    const lying = readChunk(chunk);
    for (const [i, { start, length }] of ranges.entries()) {
      const sum = sums[i] as Matrix<Float64Array>;
      checkpoint?.();
      const addend = at > 0 ? { addend: sum } : {};
      await engine.gemm(rowsOf(lying, 0, start + length), rowsOf(lying, start, length), { transposeB: true, ...addend, into: sum.data, checkpoint });
    }
  }
  const result = zeros(size, size);
  for (const [i, { start }] of ranges.entries()) setBlock(result, 0, start, sums[i] as Matrix);
  mirrorUpper(result);
  return result;
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
