import type { MetricFamily } from '../contract';
import { previousAgreementFamily, reducedAgreementFamily, seedAgreementFamily } from './agreement';
import { clusterBalanceFamily, silhouetteFamily } from './partitionQuality';

export const clustersFamilies: readonly MetricFamily[] = [
  silhouetteFamily,
  clusterBalanceFamily,
  seedAgreementFamily,
  reducedAgreementFamily,
  previousAgreementFamily,
];
