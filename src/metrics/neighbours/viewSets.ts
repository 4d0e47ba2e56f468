import type { Matrix } from '../../linalg/matrix';
import type { PartRows } from '../partRows';

/** One view of each sample: rows that are independent of each other, as estimates from distances to neighbours assume. */
export interface ViewSet {
  /** Of the part; in order of the samples. */
  readonly rows: Int32Array;
  /** Which sample each row is a view of. */
  readonly samples: Int32Array;
  readonly features: Matrix;
}

export interface ViewSets {
  /** As many as every sample has views. */
  readonly sets: readonly ViewSet[];
  /**
   * Rows that are exact copies of an earlier sample's row in the same set, and are left out: a density has none, and their distance of 0
   * has no logarithm.
   */
  readonly copies: number;
  /** Rows of the part that are in no set because other samples have fewer views. */
  readonly unused: number;
}

const memo = new WeakMap<PartRows, ViewSets>();

/**
 * The views of a part, taken apart: set v holds view v of every sample. Views of one sample are near-duplicates by design, so that among
 * all rows the neighbours of a row are its own sample's views, and every estimate would speak of the augmentation instead of the samples.
 * Only for parts whose rows are finite.
 */
export function viewSets(part: PartRows): ViewSets {
  let known = memo.get(part);
  if (!known) {
    const samples = part.sampleIds.length;
    let copies = 0;
    const sets = Array.from({ length: part.views }, (_, view): ViewSet => {
      const kept = samplesWithoutCopies(part, view);
      const rows = kept.map((sample) => (part.starts[sample] as number) + view);
      copies += samples - kept.length;
      return { rows, samples: kept, features: takeRows(part.features, rows) };
    });
    known = { sets, copies, unused: part.features.rows - samples * part.views };
    memo.set(part, known);
  }
  return known;
}

/** What a reader has to know of them. */
export function viewSetWarnings(part: PartRows): string[] {
  const { copies, unused } = viewSets(part);
  const warnings: string[] = [];
  if (copies > 0) warnings.push(`${copies} of ${part.features.rows} rows are exact copies of another sample's row in the same view and are left out.`);
  if (unused > 0) warnings.push(`Every view is taken once a sample: samples have from ${part.views} views on, and ${unused} further rows take no part.`);
  return warnings;
}

/** The given rows as a matrix of their own; the same matrix when these are all of its rows. */
export function takeRows<Data extends Float32Array | Float64Array>(matrix: Matrix<Data>, rows: Int32Array): Matrix<Data> {
  const { columns, data } = matrix;
  if (rows.length === matrix.rows) return matrix;
  const taken = (data instanceof Float64Array ? new Float64Array(rows.length * columns) : new Float32Array(rows.length * columns)) as Data;
  for (let place = 0; place < rows.length; place++) {
    const start = (rows[place] as number) * columns;
    taken.set(data.subarray(start, start + columns), place * columns);
  }
  return { rows: rows.length, columns, data: taken };
}

function samplesWithoutCopies({ features, starts, sampleIds }: PartRows, view: number): Int32Array {
  const { columns, data } = features;
  const startOf = (sample: number) => ((starts[sample] as number) + view) * columns;
  const bySum = new Map<number, number[]>();
  const kept: number[] = [];
  for (let sample = 0; sample < sampleIds.length; sample++) {
    const start = startOf(sample);
    let sum = 0;
    for (let at = start; at < start + columns; at++) sum += data[at] as number;
    const sameSum = bySum.get(sum);
    const isCopy = (other: number) => {
      const from = startOf(other);
      for (let j = 0; j < columns; j++) if (data[start + j] !== data[from + j]) return false;
      return true;
    };
    if (sameSum?.some(isCopy)) continue;
    kept.push(sample);
    if (sameSum) sameSum.push(sample);
    else bySum.set(sum, [sample]);
  }
  return Int32Array.from(kept);
}
