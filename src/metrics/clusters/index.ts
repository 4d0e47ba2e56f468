import type { MetricFamily } from '../contract';
import { previousAgreementFamily, reducedAgreementFamily, seedAgreementFamily } from './agreement';
import { clusterBalanceFamily, silhouetteFamily } from './partitionQuality';

export const clustersFamilies: readonly MetricFamily[] = [
  // First, so that what it holds of the earlier rows is gone when the others begin.
  previousAgreementFamily,
  silhouetteFamily,
  clusterBalanceFamily,
  seedAgreementFamily,
  reducedAgreementFamily,
];
