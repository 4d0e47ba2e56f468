import { layOut } from '../linalg/kernels';
import type { Matrix } from '../linalg/matrix';

/** Bytes of rows that are copied at a time, where the rows of a sample have fewer: they should stay in the first caches. */
const bytesAtOnce = 1 << 17;

/**
 * Goes through the rows of each sample in the memory of the kernels, in their own width. `lay` receives vectors of the given lengths there, once, and answers with what
 * is done with `count` rows at an address; a sample of more rows than have room comes in pieces. Nothing else may use that memory meanwhile.
 * @param starts [samples + 1] where the rows of each sample begin
 */
export function visitSamples(
  { rows, columns, data }: Matrix,
  starts: Int32Array,
  lengths: readonly number[],
  lay: (vectors: readonly Float64Array[]) => (sample: number, address: number, count: number) => void,
): void {
  const bytesOfRow = columns * data.BYTES_PER_ELEMENT;
  const rowsAtOnce = Math.max(1, Math.min(rows, Math.floor(bytesAtOnce / Math.max(1, bytesOfRow))));
  const [room, ...vectors] = layOut(Math.ceil((rowsAtOnce * bytesOfRow) / Float64Array.BYTES_PER_ELEMENT), ...lengths);
  const { buffer, byteOffset } = room as Float64Array;
  const own = data instanceof Float32Array ? new Float32Array(buffer, byteOffset, rowsAtOnce * columns) : (room as Float64Array);
  const load = (first: number, last: number) => own.set(data.subarray(first * columns, last * columns));
  const work = lay(vectors);
  const samples = starts.length - 1;
  const startOf = (sample: number) => starts[sample] as number;
  for (let sample = 0; sample < samples;) {
    const first = startOf(sample);
    let last = sample;
    while (last < samples && startOf(last + 1) - first <= rowsAtOnce) last += 1;
    if (last === sample) {
      const end = startOf(sample + 1);
      for (let row = first; row < end; row += rowsAtOnce) {
        const count = Math.min(rowsAtOnce, end - row);
        load(row, row + count);
        work(sample, byteOffset, count);
      }
      sample += 1;
      continue;
    }
    load(first, startOf(last));
    for (; sample < last; sample++) work(sample, byteOffset + (startOf(sample) - first) * bytesOfRow, startOf(sample + 1) - startOf(sample));
  }
}
