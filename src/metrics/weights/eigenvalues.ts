import type { Matrix } from '../../linalg/matrix';
import type { WeightContext, WeightTensor } from './contract';
import { weightMatrices, weightShape } from './matrices';

/** Products of this size take less time in a loop than on the way into the engine. */
const smallProduct = 50_000;
/** An eigenvalue of a Gram matrix below this share of the largest is rounding: it counts as zero. */
const rounding = 32 * Number.EPSILON;

/** Largest smaller side of a matrix whose eigenvalues are computed: its Gram matrix takes 128 MiB and some ten seconds. */
export const largestSide = 4096;

/** Squared singular values of all matrices of the tensor together, ascending; values that are only rounding are 0. */
export async function pooledEigenvalues(weights: WeightTensor, { engine, checkpoint }: WeightContext): Promise<Float64Array> {
  const { smaller, positions } = weightShape(weights.shape);
  const pooled = new Float64Array(smaller * positions);
  let at = 0;
  for (const matrix of weightMatrices(weights)) {
    checkpoint();
    const side = matrix.columns <= matrix.rows ? 'columns' : 'rows';
    const small = smaller * smaller * Math.max(matrix.rows, matrix.columns) <= smallProduct;
    const gram = small ? smallGram(matrix, side) : await engine.gram(matrix, side, { checkpoint });
    const eigenvalues = await engine.symmetricEigenvalues(gram, { checkpoint });
    const floor = rounding * (eigenvalues.at(-1) ?? 0);
    for (const value of eigenvalues) pooled[at++] = value > floor ? value : 0;
  }
  return pooled.sort();
}

function smallGram({ rows, columns, data }: Matrix, side: 'columns' | 'rows'): Matrix<Float64Array> {
  const [size, inner] = side === 'columns' ? [columns, rows] : [rows, columns];
  const [step, stride] = side === 'columns' ? [1, columns] : [columns, 1];
  const gram = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += (data[i * step + k * stride] as number) * (data[j * step + k * stride] as number);
      gram[i * size + j] = sum;
      gram[j * size + i] = sum;
    }
  }
  return { rows: size, columns: size, data: gram };
}
