import { fewSamplesWarning } from '../reasons';
import { centredGram } from './centredGram';
import { noSpectrumReason } from './livingFeatures';
import { oneMetric } from './oneMetric';
import { spectra } from './spectra';

const recordedOptions = { centred: false, normalisation: 'none' };

/** Stable rank ||Z||_F^2 / s_1^2 of the uncentred features (Rudelson & Vershynin 2007), between 1 and the rank. */
export const stableRankFamily = oneMetric('stable_rank', { dependsOnSize: false }, async (part, context) => {
  const reason = noSpectrumReason(part);
  if (reason) return { value: null, options: recordedOptions, warnings: [reason] };
  const { squares } = await centredGram(part, context);
  const { uncentred } = await spectra(part, context);
  return { value: squares / (uncentred.at(-1) as number), options: recordedOptions, warnings: fewSamplesWarning(part) };
});
