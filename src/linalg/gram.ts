import type { Engine, WorkOptions } from './engine';
import { block, type Matrix, setBlock, toFloat64, zeros } from './matrix';

/** Width of a panel: wide enough for full speed of the product, narrow enough that the skipped half counts. */
const panelWidth = 192;
/** Rows (columns for ZZ') that are widened to float64 at a time, so that memory does not grow with the probe. */
const chunkLength = 4096;

/**
 * Z'Z or ZZ' in float64 out of products of panels; only blocks on and below the diagonal are computed.
 * Each product of two float32 numbers is exact in float64, so the result is as good as its summation.
 */
export async function gram(engine: Pick<Engine, 'gemm'>, z: Matrix, side: 'columns' | 'rows', options: WorkOptions): Promise<Matrix<Float64Array>> {
  const ofColumns = side === 'columns';
  const [size, inner] = ofColumns ? [z.columns, z.rows] : [z.rows, z.columns];
  const transposes = ofColumns ? { transposeA: true } : { transposeB: true };
  const ranges = split(size, panelWidth);
  const blocks: (Matrix | undefined)[] = [];
  for (const { start, length } of split(inner, chunkLength)) {
    const panels = ranges.map((range) => {
      if (ofColumns) return block(z, start, range.start, length, range.length);
      return length === inner ? wholeRows(z, range.start, range.length) : block(z, range.start, start, range.length, length);
    });
    let at = 0;
    for (const [i, left] of panels.entries()) {
      for (const right of panels.slice(0, i + 1)) {
        options.checkpoint?.();
        const addend = blocks[at];
        blocks[at] = await engine.gemm(left, right, addend ? { ...transposes, addend } : transposes);
        at += 1;
      }
    }
  }
  const result = zeros(size, size);
  let at = 0;
  for (const [i, row] of ranges.entries()) {
    for (const column of ranges.slice(0, i + 1)) {
      const part = blocks[at++];
      if (part) setBlock(result, row.start, column.start, part);
    }
  }
  mirrorLower(result);
  return result;
}

/** Rows in float64, not copied when they are already. */
function wholeRows({ columns, data }: Matrix, start: number, rows: number): Matrix<Float64Array> {
  return toFloat64({ rows, columns, data: data.subarray(start * columns, (start + rows) * columns) });
}

/** Even parts of at most `most`. */
function split(length: number, most: number): { start: number; length: number }[] {
  const count = Math.ceil(length / most);
  return Array.from({ length: count }, (_, index) => {
    const start = Math.round((index * length) / count);
    return { start, length: Math.round(((index + 1) * length) / count) - start };
  });
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
