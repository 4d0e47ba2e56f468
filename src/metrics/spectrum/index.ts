import type { MetricFamily } from '../contract';
import { alphaReqFamily } from './alphaReq';
import { coherenceFamily } from './coherence';
import { featureStdFamily } from './featureStd';
import { lidarFamily } from './lidar';
import { nesumFamily } from './nesum';
import { pseudoConditionFamily } from './pseudoCondition';
import { rankmeFamily } from './rankme';
import { selfClusterFamily } from './selfCluster';
import { stableRankFamily } from './stableRank';

/** Cheap ones first; the spectrum is taken by the first that needs it and kept for the others. */
export const spectrumFamilies: readonly MetricFamily[] = [
  featureStdFamily,
  selfClusterFamily,
  rankmeFamily,
  stableRankFamily,
  alphaReqFamily,
  nesumFamily,
  pseudoConditionFamily,
  coherenceFamily,
  lidarFamily,
];
