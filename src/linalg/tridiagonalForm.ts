import { type PanelReflectors, reduceToBand } from './bandReduction';
import { bandToTridiagonal, bandToTridiagonalLogged, type ChaseLog, type TridiagonalForm, unwind } from './bandToTridiagonal';
import type { Engine, WorkOptions } from './engine';
import { block, type Matrix, setBlock } from './matrix';
import { turnBack, type Turn } from './turning';

export type { TridiagonalForm };

export interface TridiagonalOptions extends WorkOptions {
  /** A factor before the matrix, a power of two: squares of its elements must be in range after it. Default 1. */
  readonly scale?: number;
  /** A direction that becomes the first coordinate. Default: the first coordinate stays where it is, Q e_1 = e_1. */
  readonly along?: Float64Array;
}

/** Q of a reduction, as the factors it is a product of: about as many numbers as the matrix has, half of them in the log. */
export interface TridiagonalBasis {
  readonly turn: Turn | null;
  readonly factors: readonly PanelReflectors[];
  readonly log: ChaseLog;
}

/** Wide enough for products of useful size, narrow enough that the bulge chase (which grows with it) stays short; measured at 768, 1100, 1536 and 2048. */
function bandwidthFor(size: number): number {
  return size <= 1536 ? 16 : 32;
}

/** Q'AQ of a symmetric matrix, by way of a band. The matrix stays as it is. */
export async function tridiagonalForm(engine: Pick<Engine, 'gemm'>, matrix: Matrix<Float64Array>, options: TridiagonalOptions = {}): Promise<TridiagonalForm> {
  const { band } = await reduceToBand(engine, matrix, bandwidthFor(matrix.rows), options);
  return bandToTridiagonal(band, options.checkpoint);
}

/** The same, and Q. */
export async function tridiagonalFormWithBasis(
  engine: Pick<Engine, 'gemm'>,
  matrix: Matrix<Float64Array>,
  options: TridiagonalOptions = {},
): Promise<TridiagonalForm & { readonly basis: TridiagonalBasis }> {
  const factors: PanelReflectors[] = [];
  const { band, turn } = await reduceToBand(engine, matrix, bandwidthFor(matrix.rows), { ...options, keep: (factor) => factors.push(factor) });
  const { log, ...form } = bandToTridiagonalLogged(band, options.checkpoint);
  return { ...form, basis: { turn, factors, log } };
}

/** Rows x' in the coordinates of the tridiagonal matrix become (Qx)', those of the matrix it was made of. */
export async function leaveTridiagonal(
  engine: Pick<Engine, 'gemm'>,
  vectors: Matrix<Float64Array>,
  { turn, factors, log }: TridiagonalBasis,
  { checkpoint }: WorkOptions = {},
): Promise<void> {
  unwind(vectors.data, log, checkpoint);
  // Rows x' become x'Q' with Q' = I - V T' V'.
  for (const { v, t } of [...factors].reverse()) {
    const first = vectors.columns - v.columns;
    const last = block(vectors, 0, first, vectors.rows, v.columns);
    const along = await engine.gemm(last, v, { transposeB: true, checkpoint });
    const weighted = await engine.gemm(along, t, { transposeB: true, checkpoint });
    await engine.gemm(weighted, v, { scale: -1, addend: last, into: last.data, checkpoint });
    setBlock(vectors, 0, first, last);
  }
  if (turn) turnBack(vectors, turn);
}
