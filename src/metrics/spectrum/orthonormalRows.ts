import { type CholeskyFactor, cholesky, solveLower } from '../../linalg/cholesky';
import type { Engine, WorkOptions } from '../../linalg/engine';
import type { Matrix } from '../../linalg/matrix';

/** Largest element of QQ' - I at which rows count as orthonormal. */
const tolerance = 1e-10;
/** Three rounds do for condition numbers up to 1e15; rows that still are not orthonormal are dependent to rounding. */
const roundLimit = 5;

export interface OrthonormalRows {
  /** X = L_1 L_2 .. Q; as many rows as X. */
  readonly q: Matrix<Float64Array>;
  /** L_1, L_2, .. */
  readonly factors: readonly CholeskyFactor[];
}

/**
 * Rows with the span of those of X (k x n, k <= n, in float64) made orthonormal by repeated shifted Cholesky factors of the Gram matrix
 * (Fukaya, Kannan, Nakatsukasa, Yamamoto & Yanagisawa 2020): nothing but products, and as good as Householder's way.
 * Null when the rows are dependent to rounding.
 */
export async function orthonormalRows(engine: Engine, x: Matrix<Float64Array>, options: WorkOptions): Promise<OrthonormalRows | null> {
  const factors: CholeskyFactor[] = [];
  let q = x;
  for (let round = 0; ; round++) {
    const gram = await engine.gram(q, 'rows', options);
    if (isIdentity(gram)) return { q, factors };
    if (round === roundLimit) return null;
    const factor = await shiftedCholesky(engine, gram, options);
    if (!factor) return null;
    factors.push(factor);
    q = (await solveLower(engine, factor, q, options)) as Matrix<Float64Array>;
  }
}

/** With just enough added to the diagonal, in proportion to it, that there is a factor. */
async function shiftedCholesky(engine: Engine, gram: Matrix<Float64Array>, options: WorkOptions): Promise<CholeskyFactor | null> {
  const { rows, columns } = gram;
  for (let shift = 0; shift < 1e-3; shift = shift === 0 ? 4 * rows * Number.EPSILON : 16 * shift) {
    const data = gram.data.slice();
    for (let i = 0; i < rows; i++) data[i * columns + i] = (data[i * columns + i] as number) * (1 + shift);
    try {
      return await cholesky(engine, { rows, columns, data }, options);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return null;
}

function isIdentity({ rows, columns, data }: Matrix<Float64Array>): boolean {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      if (!(Math.abs((data[i * columns + j] as number) - (i === j ? 1 : 0)) <= tolerance)) return false;
    }
  }
  return true;
}
