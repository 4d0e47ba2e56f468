import { type ColumnShift, shiftedColumns, shiftedRows } from '../../linalg/columnShift';
import type { Matrix } from '../../linalg/matrix';
import type { PartRows } from '../partRows';
import { notFiniteReason } from '../reasons';

/** The features of a part as spectra are taken of them: uncentred, in their own scale. */
export interface LivingFeatures {
  /** Without the features that are zero in every row: those have the singular value 0 exactly, and left in they would become rounding noise. */
  readonly features: Matrix;
  /** A power of two; features times this are below 2 in magnitude and the largest is 1 or more, so that fourth powers stay finite. */
  readonly scale: number;
}

const memo = new WeakMap<PartRows, LivingFeatures>();

/** Why there is no spectrum of these rows at all, or null. */
export function noSpectrumReason(part: PartRows): string | null {
  return notFiniteReason(part) ?? (livingFeatures(part).features.columns === 0 ? 'All features are zero.' : null);
}

/** Only for parts whose rows are finite. */
export function livingFeatures(part: PartRows): LivingFeatures {
  let living = memo.get(part);
  if (!living) {
    const features = withoutZeroColumns(part.features);
    living = { features, scale: part.largest === 0 ? 1 : 2 ** -Math.floor(Math.log2(part.largest)) };
    memo.set(part, living);
  }
  return living;
}

function withoutZeroColumns(matrix: Matrix): Matrix {
  const { rows, columns, data } = matrix;
  const alive = new Uint8Array(columns);
  let missing = columns;
  for (let i = 0; i < rows && missing > 0; i++) {
    for (let j = 0; j < columns; j++) {
      if (alive[j] === 0 && data[i * columns + j] !== 0) {
        alive[j] = 1;
        missing -= 1;
      }
    }
  }
  if (missing === 0) return matrix;
  const kept = [...alive.keys()].filter((j) => alive[j] === 1);
  const narrowed = data instanceof Float64Array ? new Float64Array(rows * kept.length) : new Float32Array(rows * kept.length);
  for (let i = 0; i < rows; i++) {
    for (const [place, j] of kept.entries()) narrowed[i * kept.length + place] = data[i * columns + j] as number;
  }
  return { rows, columns: kept.length, data: narrowed };
}

/** The scaled features in float64, lying on their longer side: d x n where there are as many rows as columns or more, n x d otherwise. */
export function lyingFeatures({ features, scale }: LivingFeatures, checkpoint: () => void): Matrix<Float64Array> {
  const { rows, columns } = features;
  const shift: ColumnShift = { scale, first: new Float64Array(columns), rest: null, factor: null };
  return rows < columns ? shiftedRows(features, shift) : shiftedColumns(features, shift, checkpoint);
}
