import { fewSamplesWarning } from '../reasons';
import { centredGram } from './centredGram';
import { noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { spectra } from './spectra';

const recordedOptions = { centred: true, normalisation: 'none' };

/** NESum (He & Ozay 2022): eigenvalues of the covariance over the largest of them, summed; between 1 and the rank. */
export const nesumFamily = oneMetric('nesum', { dependsOnSize: false }, async (part, context) => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noSpectrumReason(part);
  if (reason) return none(reason);
  const { centredSquares } = await centredGram(part, context);
  const largest = (await spectra(part, context)).centred(context).at(-1) ?? 0;
  if (!(largest > 0)) return none('The rows do not differ, so there is no covariance.');
  return { value: centredSquares / largest, options: recordedOptions, warnings: fewSamplesWarning(part) };
});
