import { solveLower } from '../../linalg/cholesky';
import { leadingEigenvectors } from '../../linalg/leadingEigenvectors';
import { type Matrix, zeros } from '../../linalg/matrix';
import type { MeasureContext, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning } from '../reasons';
import { livingFeatures, lyingFeatures, noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { orthonormalRows } from './orthonormalRows';
import { eigenvalueRounding, spectra } from './spectra';

const recordedOptions = { centred: false, normalisation: 'none' };
/** Relative error above which the smallest singular value is computed again without squaring it. */
const acceptedError = 1e-6;

/**
 * Pseudo-condition number as in the code of Tsitsulin, Munkhoeva & Perozzi 2023 (arXiv 2305.16562): the smallest of the min(n, d) singular
 * values of the uncentred features over the largest. 1 is an even spectrum, 0 a dependent feature.
 */
export const pseudoConditionFamily = oneMetric('pseudo_condition', { dependsOnSize: true }, async (part, context): Promise<PartValue> => {
  const give = (value: number | null, warnings: readonly string[]) => ({ value, options: recordedOptions, warnings });
  const reason = noSpectrumReason(part);
  if (reason) return give(null, [reason]);
  const { rows, columns } = part.features;
  const few = fewSamplesWarning(part);
  const living = livingFeatures(part).features.columns;
  if (living < Math.min(rows, columns)) return give(0, [...few, `${columns - living} of ${columns} features are always zero.`]);

  const { uncentred } = await spectra(part, context);
  const largest = uncentred.at(-1) as number;
  const smallest = uncentred[0] as number;
  if ((eigenvalueRounding * largest) / 2 <= acceptedError * smallest) return give(Math.sqrt(smallest / largest), few);
  const inverse = await inverseNorm(part, context);
  const value = inverse === null ? 0 : 1 / (inverse * Math.sqrt(largest));
  // The tolerance of NumPy's matrix_rank.
  if (value <= Number.EPSILON * Math.max(rows, columns)) return give(0, [...few, 'The features are linearly dependent to rounding.']);
  return give(value, few);
});

/** One over the smallest singular value of the scaled features; null when the rows of their shorter side are dependent to rounding. */
async function inverseNorm(part: PartRows, { engine, checkpoint }: MeasureContext): Promise<number | null> {
  const options = { checkpoint };
  const x = lyingFeatures(livingFeatures(part), checkpoint);
  const orthonormal = await orthonormalRows(engine, x, options);
  if (!orthonormal) return null;
  // X = L_1 L_2 .. Q has the singular values of L_1 L_2 ..; large ones of the inverse are computed as well as those of any matrix.
  let inverse: Matrix = zeros(x.rows, x.rows);
  for (let i = 0; i < x.rows; i++) inverse.data[i * (x.rows + 1)] = 1;
  for (const factor of orthonormal.factors) inverse = await solveLower(engine, factor, inverse, options);
  const { values } = await leadingEigenvectors(engine, await engine.gram(inverse, 'rows', options), 1, options);
  return Math.sqrt(values[0] as number);
}
