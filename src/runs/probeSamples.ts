import { createHash } from 'node:crypto';
import { FormatError, type Tensor } from '../formats';
import type { FileProblem } from '../protocol';

/** Which sample each row is a view of, and what is known about the samples. */
export interface ProbeSamples {
  /** [rows] 0 .. samples-1, dense, in order of first appearance. */
  readonly sample: Int32Array;
  /** [samples] ids as in the file. */
  readonly sampleIds: readonly bigint[];
  /** [samples] 0 = seen in training, 1 = held out. */
  readonly split: Uint8Array;
  /** [samples] class, -1 = not labelled. */
  readonly label: Int32Array;
}

export interface SampleTensors {
  readonly sample_id?: Tensor | undefined;
  readonly split?: Tensor | undefined;
  readonly label?: Tensor | undefined;
}

const largestLabel = 2 ** 31 - 1;

/**
 * Groups the rows into samples (inputs.md, section 1).
 * @param views rows of one sample that follow each other, when the features are [samples, views, d]; otherwise 1
 * @throws {FormatError} when `sample_id` or `split` are wrong: with a guess in their place every value would be about something else.
 *   Wrong labels are a problem only and count as missing.
 */
export function samplesOf(file: string, rows: number, views: number, tensors: SampleTensors, problems: FileProblem[]): ProbeSamples {
  const { sample, sampleIds, firstRow } = group(file, rows, views, tensors.sample_id);
  return {
    sample,
    sampleIds,
    split: splitOf(file, sample, firstRow, views, tensors.split),
    label: labelOf(file, sample, firstRow, views, tensors.label, problems),
  };
}

interface Groups {
  readonly sample: Int32Array;
  readonly sampleIds: bigint[];
  /** [samples] */
  readonly firstRow: readonly number[];
}

function group(file: string, rows: number, views: number, tensor: Tensor | undefined): Groups {
  const id = tensor === undefined ? (row: number) => BigInt(Math.floor(row / views)) : perRow(file, rows, views, tensor, integerAt);
  const sample = new Int32Array(rows);
  const sampleIds: bigint[] = [];
  const firstRow: number[] = [];
  const indexOf = new Map<bigint, number>();
  for (let row = 0; row < rows; row++) {
    const value = id(row);
    let index = indexOf.get(value);
    if (index === undefined) {
      index = sampleIds.length;
      indexOf.set(value, index);
      sampleIds.push(value);
      firstRow.push(row);
    }
    sample[row] = index;
  }
  return { sample, sampleIds, firstRow };
}

function splitOf(file: string, sample: Int32Array, firstRow: readonly number[], views: number, tensor: Tensor | undefined): Uint8Array {
  const split = new Uint8Array(firstRow.length);
  if (tensor === undefined) {
    return split;
  }
  const at = perRow(file, sample.length, views, tensor, (of, index) => {
    const value = integerAt(of, index);
    if (value !== 0n && value !== 1n) {
      throw new RangeError(`is ${value}, but a split is 0 (seen in training) or 1 (held out)`);
    }
    return Number(value);
  });
  for (let row = 0; row < sample.length; row++) {
    const index = sample[row]!;
    const value = at(row);
    if (row === firstRow[index]) {
      split[index] = value;
    } else if (split[index] !== value) {
      throw new FormatError(file, 'tensor split', `the sample of row ${row} is also that of row ${firstRow[index]}, but in the other split: held-out samples were seen in training`);
    }
  }
  return split;
}

function labelOf(
  file: string,
  sample: Int32Array,
  firstRow: readonly number[],
  views: number,
  tensor: Tensor | undefined,
  problems: FileProblem[],
): Int32Array {
  const label = new Int32Array(firstRow.length).fill(-1);
  if (tensor === undefined) {
    return label;
  }
  try {
    const at = perRow(file, sample.length, views, tensor, (of, index) => {
      const value = integerAt(of, index);
      if (value < -1n || value > BigInt(largestLabel)) {
        throw new RangeError(`is ${value}, but a label is a class from 0, or -1 for none`);
      }
      return Number(value);
    });
    for (let row = 0; row < sample.length; row++) {
      const index = sample[row]!;
      const value = at(row);
      if (row === firstRow[index]) {
        label[index] = value;
      } else if (label[index] !== value) {
        throw new FormatError(file, 'tensor label', `rows ${firstRow[index]} and ${row} are views of one sample, but have the labels ${label[index]} and ${value}`);
      }
    }
    return label;
  } catch (error) {
    if (!(error instanceof FormatError)) {
      throw error;
    }
    problems.push({ file, place: error.place, reason: `${error.reason}; all samples count as not labelled`, severity: 'warning' });
    return new Int32Array(firstRow.length).fill(-1);
  }
}

/** Reads a tensor that has one entry a row or, for features by sample and view, one a sample. */
function perRow<Value>(file: string, rows: number, views: number, tensor: Tensor, valueAt: (tensor: Tensor, index: number) => Value): (row: number) => Value {
  const place = `tensor ${tensor.name}`;
  const length = tensor.data.length;
  const isPerSample = views > 1 && length === rows / views;
  if (tensor.shape.length !== 1 || (length !== rows && !isPerSample)) {
    const wanted = views > 1 ? `one entry for each of the ${rows} rows or ${rows / views} samples` : `one entry for each of the ${rows} rows`;
    throw new FormatError(file, place, `has shape [${tensor.shape.join(', ')}], but needs ${wanted}`);
  }
  return (row) => {
    const index = isPerSample ? Math.floor(row / views) : row;
    try {
      return valueAt(tensor, index);
    } catch (error) {
      throw error instanceof RangeError ? new FormatError(file, place, `entry ${index} ${error.message}`) : error;
    }
  };
}

function integerAt(tensor: Tensor, index: number): bigint {
  const value = tensor.data[index]!;
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`is ${value}, not a whole number`);
  }
  return BigInt(value);
}

/** Identifies the samples of a probe, their parts and their numbers of views, in whatever order the rows lie. */
export function sampleSetOf({ sample, sampleIds, split }: ProbeSamples): string {
  const views = new Int32Array(sampleIds.length);
  for (let row = 0; row < sample.length; row++) views[sample[row]!]! += 1;
  const order = sampleIds.every((id, index) => index === 0 || sampleIds[index - 1]! < id)
    ? [...sampleIds.keys()]
    : [...sampleIds.keys()].sort((a, b) => (sampleIds[a]! < sampleIds[b]! ? -1 : 1));
  const hash = createHash('sha1');
  for (const index of order) hash.update(`${sampleIds[index]} ${split[index]} ${views[index]}\n`);
  return hash.digest('hex');
}
