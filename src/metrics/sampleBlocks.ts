import type { Matrix } from '../linalg/matrix';
import { RowBlock } from '../linalg/rowBlock';

/** Rows that are loaded at a time, where samples have fewer. */
const rowsAtOnce = 64;

/**
 * Goes through the rows of each sample in the memory of the kernels. `lay` receives vectors of the given lengths there, once, and answers with what is done with
 * `count` rows at an address; a sample of more rows than have room comes in pieces.
 * @param starts [samples + 1] where the rows of each sample begin
 */
export function visitSamples(
  matrix: Matrix,
  starts: Int32Array,
  lengths: readonly number[],
  lay: (vectors: readonly Float64Array[]) => (sample: number, address: number, count: number) => void,
): void {
  const bytesOfRow = matrix.columns * Float64Array.BYTES_PER_ELEMENT;
  const samples = starts.length - 1;
  const block = new RowBlock(matrix, lengths, Math.min(rowsAtOnce, matrix.rows));
  const work = lay(block.vectors);
  const startOf = (sample: number) => starts[sample] as number;
  for (let sample = 0; sample < samples;) {
    const first = startOf(sample);
    let last = sample;
    while (last < samples && startOf(last + 1) - first <= block.rowsAtOnce) last += 1;
    if (last === sample) {
      const end = startOf(sample + 1);
      for (let row = first; row < end; row += block.rowsAtOnce) {
        const count = Math.min(block.rowsAtOnce, end - row);
        block.load(row, count);
        work(sample, block.address, count);
      }
      sample += 1;
      continue;
    }
    block.load(first, startOf(last) - first);
    for (; sample < last; sample++) work(sample, block.address + (startOf(sample) - first) * bytesOfRow, startOf(sample + 1) - startOf(sample));
  }
}
