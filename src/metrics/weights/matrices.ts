import type { Matrix } from '../../linalg/matrix';
import type { WeightTensor } from './contract';

/** The matrices of a weight tensor, all of one shape. */
export interface WeightShape {
  /** Larger side of each matrix (WeightWatcher's N). */
  readonly larger: number;
  /** Smaller side (WeightWatcher's M): as many eigenvalues does each matrix have. */
  readonly smaller: number;
  /** Matrices: positions of the kernel of a convolution, otherwise 1. */
  readonly positions: number;
}

interface Layout extends WeightShape {
  readonly rows: number;
  readonly columns: number;
  /** Whether the kernel axes come first ([h, w, in, out], TensorFlow) or last ([out, in, h, w], PyTorch). */
  readonly kernelFirst: boolean;
}

/** @throws {RangeError} when the tensor has fewer than two axes. */
export function weightShape(shape: readonly number[]): WeightShape {
  const { larger, smaller, positions } = layoutOf(shape);
  return { larger, smaller, positions };
}

/**
 * Two axes are one matrix. More are a convolution: one matrix of channels for every position of the kernel. Which two axes are the channels is decided
 * as in WeightWatcher: the two outermost, unless the two innermost are larger together.
 */
function layoutOf(shape: readonly number[]): Layout {
  const axes = shape.length;
  if (axes < 2) throw new RangeError(`A tensor of shape [${shape.join(', ')}] is no matrix.`);
  const size = (axis: number): number => shape[axis] as number;
  const kernelFirst = axes > 2 && size(0) + size(1) < size(axes - 2) + size(axes - 1);
  const [rows, columns] = kernelFirst ? [size(axes - 2), size(axes - 1)] : [size(0), size(1)];
  const positions = shape.reduce((product, length) => product * length, 1) / (rows * columns);
  return { rows, columns, positions, kernelFirst, larger: Math.max(rows, columns), smaller: Math.min(rows, columns) };
}

/** The matrices one by one; a tensor of two axes is not copied. */
export function* weightMatrices({ shape, data }: WeightTensor): Generator<Matrix> {
  const { rows, columns, positions, kernelFirst } = layoutOf(shape);
  const length = rows * columns;
  for (let position = 0; position < positions; position++) {
    if (kernelFirst || positions === 1) {
      yield { rows, columns, data: data.subarray(position * length, (position + 1) * length) };
      continue;
    }
    const slice = data instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
    for (let i = 0, at = position; i < length; i++, at += positions) slice[i] = data[at] as number;
    yield { rows, columns, data: slice };
  }
}
