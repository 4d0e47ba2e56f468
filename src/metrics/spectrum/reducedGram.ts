import type { Matrix } from '../../linalg/matrix';
import { type TridiagonalBasis, type TridiagonalForm, tridiagonalForm, tridiagonalFormWithBasis } from '../../linalg/tridiagonalForm';
import type { MeasureContext } from '../contract';
import type { PartRows } from '../partRows';
import { centredGram } from './centredGram';

/** The centred Gram matrix Zc'Zc of a part times `scale`, in tridiagonal form; the mean of Z lies along the first coordinate. */
export interface ReducedGram extends TridiagonalForm {
  /** A power of two. */
  readonly scale: number;
  /** What it takes to go back, where it is kept. */
  readonly basis?: TridiagonalBasis;
}

/** Up to this size the way back is kept, as principal components are found in the same form: 8 MB. Larger ones would take more memory than the time is worth. */
const keptSize = 1024;

const memo = new WeakMap<PartRows, ReducedGram>();

/** Only for parts that have a spectrum and whose Gram matrix is on the side of the columns. */
export async function reducedGram(part: PartRows, context: MeasureContext): Promise<ReducedGram> {
  let known = memo.get(part);
  if (!known) {
    const { gram, mean } = await centredGram(part, context);
    const { engine, checkpoint } = context;
    checkpoint();
    const scale = scaleOf(gram);
    const options = { scale, along: mean, checkpoint };
    const form = isKept(gram) ? await tridiagonalFormWithBasis(engine, gram, options) : await tridiagonalForm(engine, gram, options);
    known = { scale, ...form };
    memo.set(part, known);
  }
  return known;
}

/** Whether the way back out of the form of such a Gram matrix is kept. */
export function isKept({ rows }: Matrix): boolean {
  return rows <= keptSize;
}

/** A power of two: beside a large mean a Gram matrix can be so small that its squares underflow. */
export function scaleOf({ rows, data }: Matrix<Float64Array>): number {
  let largest = 0;
  for (let i = 0; i < data.length; i += rows + 1) largest = Math.max(largest, data[i] as number);
  return largest > 0 ? 2 ** -Math.max(-1000, Math.floor(Math.log2(largest))) : 1;
}
