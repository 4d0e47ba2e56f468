import { zeros, type Matrix } from '../linalg/matrix';
import { symmetricEigenvectors } from '../linalg/symmetricEigenvectors';
import { sliceLength } from './parameters';

/** The two directions in which the checkpoints of a training differ most, through the last of them. */
export interface TrajectoryPlane {
  /** [2][checkpoints] what the differences to the last checkpoint are multiplied with to get unit directions. */
  readonly coefficients: readonly [Float64Array, Float64Array];
  /** Places of the checkpoints in the plane; the last is at (0, 0). */
  readonly places: readonly { readonly x: number; readonly y: number }[];
  /** Share of the variance over checkpoints along each direction. */
  readonly explained: readonly [number, number];
}

/** Adds to `gram` [checkpoints, checkpoints] the inner products of one tensor's differences to its value in the last checkpoint. */
export function addToGram(gram: Matrix<Float64Array>, tensors: readonly Float32Array[], checkpoint?: () => void): void {
  const count = tensors.length;
  const last = tensors[count - 1]!;
  for (let start = 0; start < last.length; start += sliceLength) {
    const end = Math.min(last.length, start + sliceLength);
    for (let i = 0; i < count - 1; i++) {
      checkpoint?.();
      for (let j = 0; j <= i; j++) {
        const [a, b] = [tensors[i]!, tensors[j]!];
        let sum = 0;
        for (let k = start; k < end; k++) sum += (a[k]! - last[k]!) * (b[k]! - last[k]!);
        gram.data[i * count + j]! += sum;
        if (i !== j) gram.data[j * count + i]! += sum;
      }
    }
  }
}

/**
 * Principal components of the checkpoints (Li et al. 2018, section 7.2), from the Gram matrix of their differences: weights are never stacked.
 * @param gram as `addToGram` fills it
 * @throws {RangeError} with fewer than three checkpoints, or when all lie on one line
 */
export function trajectoryPlane(gram: Matrix<Float64Array>): TrajectoryPlane {
  const count = gram.rows;
  if (count < 3) throw new RangeError(`The plane of a trajectory needs at least 3 checkpoints, not ${count}.`);
  const means = Float64Array.from({ length: count }, (_, i) => gram.data.subarray(i * count, (i + 1) * count).reduce((sum, value) => sum + value, 0) / count);
  const mean = means.reduce((sum, value) => sum + value, 0) / count;
  const centred = zeros(count, count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) centred.data[i * count + j] = gram.data[i * count + j]! - means[i]! - means[j]! + mean;
  }
  const { values, vectors } = symmetricEigenvectors(centred);
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  if (!(values[1]! > 1e-10 * total)) throw new RangeError('The checkpoints lie on one line (or are all the same): there is no plane through them. Draw the line between two of them.');
  const directions = [0, 1].map((axis) => {
    const vector = vectors.data.slice(axis * count, (axis + 1) * count);
    // Of either sign; the first checkpoint is on the left and below.
    const first = vector.reduce((sum, value, j) => sum + value * gram.data[j]!, 0);
    const scale = (first > 0 ? -1 : 1) / Math.sqrt(values[axis]!);
    return vector.map((value) => value * scale);
  }) as [Float64Array, Float64Array];
  const along = (axis: 0 | 1, i: number) => (i === count - 1 ? 0 : directions[axis].reduce((sum, value, j) => sum + value * gram.data[i * count + j]!, 0));
  return {
    coefficients: directions,
    places: Array.from({ length: count }, (_, i) => ({ x: along(0, i), y: along(1, i) })),
    explained: [values[0]! / total, values[1]! / total],
  };
}

/** One tensor of a direction: its differences to the last checkpoint times the coefficients. */
export function combineDifferences(tensors: readonly Float32Array[], coefficients: Float64Array): Float32Array {
  const last = tensors.at(-1)!;
  const result = new Float32Array(last.length);
  tensors.slice(0, -1).forEach((values, i) => {
    const coefficient = coefficients[i]!;
    for (let k = 0; k < result.length; k++) result[k] = result[k]! + coefficient * (values[k]! - last[k]!);
  });
  return result;
}
