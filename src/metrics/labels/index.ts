import type { MetricFamily } from '../contract';
import { knnFamily } from './knn';
import { linearProbeFamily } from './linearProbe';

export { suggestLabels } from './suggestLabels';
export type { LabelSuggestion, LabelSuggestions, SuggestOptions } from './suggestLabels';

export const labelsFamilies: readonly MetricFamily[] = [knnFamily, linearProbeFamily];
