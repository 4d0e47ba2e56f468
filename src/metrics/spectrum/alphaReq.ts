import type { PartValue } from '../contract';
import { fewSamplesWarning } from '../reasons';
import { noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { spectra } from './spectra';

/** Places of the eigenvalues that are fitted, counted from 1: the first ones do not follow the law, the last ones are noise. */
const first = 11;
const last = { wide: 50, narrow: 20 };
/** Share of the variance of log lambda that the law must explain; below it the narrow range is taken. */
const wantedFit = 0.95;
/** Relative to the largest; eigenvalues below it have fewer than six correct digits. */
const floor = 1e-8;

const recordedOptions = { centred: true, normalisation: 'none', weights: '1/j' };

/**
 * alpha of lambda_j ~ j^-alpha (Agrawal et al. 2022, alpha-ReQ): weighted least squares of log lambda_j on log j with weights 1/j,
 * lambda_j being the eigenvalues of the covariance, largest first. The fit is that of Stringer et al. 2019.
 */
export const alphaReqFamily = oneMetric('alpha_req', { dependsOnSize: true }, async (part, context): Promise<PartValue> => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noSpectrumReason(part);
  if (reason) return none(reason);
  const centred = (await spectra(part, context)).centred(context);
  const most = Math.min(part.features.rows - 1, part.features.columns);
  const descending = centred.slice().reverse();
  const usable = descending.filter((value) => value > floor * (descending[0] as number));
  if (usable.length < last.narrow) {
    return none(`The fit needs ${last.narrow} eigenvalues; ${usable.length} of ${most} are above ${floor} of the largest.`);
  }
  const wide = usable.length >= last.wide ? powerLaw(usable, last.wide) : null;
  const fit = wide && wide.r2 >= wantedFit ? wide : powerLaw(usable, last.narrow);
  const warnings = fewSamplesWarning(part);
  if (fit.r2 < wantedFit) warnings.push(`The eigenvalues ${first} to ${fit.last} follow no power law: R2 is ${fit.r2.toPrecision(2)}.`);
  const details = { r2: fit.r2, ...(wide && fit !== wide && { alpha_wide: wide.alpha, r2_wide: wide.r2 }) };
  return { value: fit.alpha, options: { ...recordedOptions, from: first, to: fit.last }, warnings, details };
});

interface PowerLaw {
  readonly alpha: number;
  /** Unweighted, over the fitted eigenvalues. */
  readonly r2: number;
  readonly last: number;
}

function powerLaw(descending: Float64Array, to: number): PowerLaw {
  const places = Array.from({ length: to - first + 1 }, (_, i) => first + i);
  const x = places.map((place) => Math.log(place));
  const y = places.map((place) => Math.log(descending[place - 1] as number));
  const weights = places.map((place) => 1 / place);
  const mean = (values: readonly number[], by: readonly number[]) =>
    values.reduce((sum, value, i) => sum + value * (by[i] as number), 0) / by.reduce((sum, weight) => sum + weight, 0);
  const [meanX, meanY] = [mean(x, weights), mean(y, weights)];
  let products = 0;
  let squares = 0;
  for (const [i, weight] of weights.entries()) {
    const dx = (x[i] as number) - meanX;
    products += weight * dx * ((y[i] as number) - meanY);
    squares += weight * dx * dx;
  }
  const slope = products / squares;
  const plainMean = mean(y, y.map(() => 1));
  let left = 0;
  let total = 0;
  for (const [i, value] of y.entries()) {
    left += (value - meanY - slope * ((x[i] as number) - meanX)) ** 2;
    total += (value - plainMean) ** 2;
  }
  // Equal eigenvalues follow the law with alpha 0 exactly.
  return { alpha: -slope, r2: total > 0 ? 1 - left / total : 1, last: to };
}
