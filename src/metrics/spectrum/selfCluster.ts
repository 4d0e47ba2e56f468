import { dot } from '../../linalg/dot';
import { normalizedGram } from '../normalizedGram';
import { fewSamplesWarning, noDirectionReason } from '../reasons';
import { oneMetric } from './oneMetric';

const recordedOptions = { centred: false, normalisation: 'l2' };

/**
 * SelfCluster (Tsitsulin, Munkhoeva & Perozzi 2023, arXiv 2305.16562): the mean squared cosine between rows, moved and scaled so that
 * 0 is what rows of independent random directions give and 1 is collapse.
 */
export const selfClusterFamily = oneMetric('self_cluster', { dependsOnSize: false }, async (part, context) => {
  const none = (reason: string) => ({ value: null, options: recordedOptions, warnings: [reason] });
  const reason = noDirectionReason(part);
  if (reason) return none(reason);
  const { rows: n, columns: d } = part.features;
  if (n < 2) return none('A single row has nothing to cluster with.');
  if (d < 2) return none('In one dimension all rows point along one line.');
  // ||ZZ'||_F = ||Z'Z||_F, so the smaller side will do.
  const { data } = await normalizedGram(part, context);
  const squares = dot(data, data);
  const expected = n + (n * (n - 1)) / d;
  return { value: (squares - expected) / (n * n - expected), options: recordedOptions, warnings: fewSamplesWarning(part) };
});
