import { singularValuesDirect } from '../../linalg/singularValues';
import { sum } from '../bootstrap';
import type { MeasureContext, PartValue } from '../contract';
import type { PartRows } from '../partRows';
import { fewSamplesWarning } from '../reasons';
import { livingFeatures, noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { eigenvalueRounding, spectra } from './spectra';

/** Added to every p, as in the paper's code. */
const addend = 1e-7;
const recordedOptions = { centred: false, normalisation: 'none', addend };

/** Relative error of RankMe above which the spectrum is computed again without squaring it. */
const acceptedError = 1e-6;
/** Operations (4 n d^2) that the exact way may take on plain loops: some ten seconds. */
const directLimit = 1.6e10;

/** RankMe (Garrido et al. 2023, arXiv 2210.02885): exp of the entropy of the singular values of the uncentred features. */
export const rankmeFamily = oneMetric('rankme', { dependsOnSize: true }, async (part: PartRows, context: MeasureContext): Promise<PartValue> => {
  const reason = noSpectrumReason(part);
  if (reason) return { value: null, options: recordedOptions, warnings: [reason] };
  const { rows, columns } = part.features;
  const warnings = fewSamplesWarning(part);
  if (rows < columns) warnings.push(`Fewer rows (${rows}) than dimensions (${columns}): the value is at most ${rows}.`);

  const count = Math.min(rows, columns);
  const { uncentred } = await spectra(part, context);
  const rounding = eigenvalueRounding * (uncentred.at(-1) as number);
  const values = uncentred.map((value) => Math.sqrt(Math.max(0, value)));
  const error = entropyError(values, rounding);
  if (error <= acceptedError) return { value: rankme(values, count), options: recordedOptions, warnings };
  const { features } = livingFeatures(part);
  const operations = 4 * Math.max(features.rows, features.columns) * Math.min(features.rows, features.columns) ** 2;
  if (operations <= directLimit) {
    const exact = singularValuesDirect(features, context.checkpoint);
    return { value: rankme(exact, count), options: recordedOptions, warnings };
  }
  warnings.push(`The spectrum is nearly collapsed: the value is good to about ${error.toPrecision(1)} of itself.`);
  return { value: rankme(values, count), options: recordedOptions, warnings };
});

/** exp(-sum p log p) with p = s / sum(s) + 1e-7 over `count` singular values, those not given being zero. */
export function rankme(singularValues: ArrayLike<number>, count: number): number {
  const total = sum(singularValues);
  let entropy = 0;
  for (let i = 0; i < count; i++) {
    const p = (i < singularValues.length ? (singularValues[i] as number) / total : 0) + addend;
    entropy -= p * Math.log(p);
  }
  return Math.exp(entropy);
}

/** First-order bound on the error of the entropy, which is the relative error of RankMe, when the squared values are off by `rounding`. */
function entropyError(values: Float64Array, rounding: number): number {
  const total = sum(values);
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const p = value / total + addend;
    error += (rounding / Math.max(value, Math.sqrt(rounding)) / total) * Math.abs(Math.log(p) + 1);
  }
  return error;
}
