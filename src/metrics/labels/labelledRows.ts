import type { Matrix } from '../../linalg/matrix';
import type { LayerFeatures } from '../contract';
import type { PartRows } from '../partRows';

export const noLabelsReason = 'The probe has no labels.';

export function hasLabels({ label }: LayerFeatures): boolean {
  return label.some((own) => own >= 0);
}

/** The rows of the labelled samples of a part. Samples are counted from 0 among the labelled ones, in order of their ids. */
export interface LabelledRows {
  /** Rows of the part. */
  readonly rows: Int32Array;
  /** [samples + 1] where the rows of each labelled sample begin among `rows`. */
  readonly starts: Int32Array;
  /** [rows] labelled sample. */
  readonly sampleOfRow: Int32Array;
  /** [samples] class as in the file. */
  readonly labels: Int32Array;
  readonly sampleIds: readonly bigint[];
}

export function labelledRows(part: PartRows): LabelledRows {
  const samples = [...part.labels.keys()].filter((sample) => (part.labels[sample] as number) >= 0);
  return rowsOfSamples(part, samples);
}

/** The rows of the given samples of a part, which must be labelled. */
export function rowsOfSamples(part: PartRows, samples: readonly number[]): LabelledRows {
  const starts = new Int32Array(samples.length + 1);
  for (const [place, sample] of samples.entries()) {
    starts[place + 1] = (starts[place] as number) + (part.starts[sample + 1] as number) - (part.starts[sample] as number);
  }
  const rows = new Int32Array(starts[samples.length] as number);
  const sampleOfRow = new Int32Array(rows.length);
  for (const [place, sample] of samples.entries()) {
    const [first, end] = [starts[place] as number, starts[place + 1] as number];
    for (let at = first; at < end; at++) {
      rows[at] = (part.starts[sample] as number) + at - first;
      sampleOfRow[at] = place;
    }
  }
  return {
    rows,
    starts,
    sampleOfRow,
    labels: Int32Array.from(samples, (sample) => part.labels[sample] as number),
    sampleIds: samples.map((sample) => part.sampleIds[sample] as bigint),
  };
}

/** The distinct labels, ascending. */
export function classesOf(labels: Int32Array): Int32Array {
  return Int32Array.from(new Set(labels)).sort();
}

/** Copies of the given rows. */
export function takeRows({ columns, data }: Matrix, rows: ArrayLike<number>, precision: 'float32' | 'float64'): Matrix {
  const taken = precision === 'float64' ? new Float64Array(rows.length * columns) : new Float32Array(rows.length * columns);
  for (let place = 0; place < rows.length; place++) {
    const start = (rows[place] as number) * columns;
    taken.set(data.subarray(start, start + columns), place * columns);
  }
  return { rows: rows.length, columns, data: taken };
}

/** Says how many samples are of a class that no labelled training sample has; they cannot be recognized. */
export function unknownClassesWarning({ labels }: LabelledRows, known: Int32Array): string[] {
  const of = new Set(known);
  const unknown = labels.reduce((count, label) => count + Number(!of.has(label)), 0);
  if (unknown === 0) return [];
  const [are, count] = unknown === 1 ? ['is', 'counts'] : ['are', 'count'];
  return [`${unknown} of ${labels.length} labelled samples ${are} of a class without a labelled training sample and ${count} as wrong.`];
}
