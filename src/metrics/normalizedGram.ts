import type { Matrix } from '../linalg/matrix';
import type { MeasureContext } from './contract';
import { normalizedRows, type PartRows } from './partRows';

const memo = new WeakMap<PartRows, Matrix<Float64Array>>();

/**
 * ZZ' (n x n) where there are fewer rows than columns, Z'Z (d x d) otherwise, of the rows scaled to length 1.
 * Shared by all who ask for the part: not to be written over. Only for parts whose rows are finite and not all zero.
 */
export async function normalizedGram(part: PartRows, { engine, checkpoint }: MeasureContext): Promise<Matrix<Float64Array>> {
  let gram = memo.get(part);
  if (!gram) {
    const z = normalizedRows(part);
    gram = await engine.gram(z, z.rows < z.columns ? 'rows' : 'columns', { checkpoint });
    memo.set(part, gram);
  }
  return gram;
}
