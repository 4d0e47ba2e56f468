export type { CheckTask, ExtractTask, FeatureExtractor } from './featureExtractor';
export { extractMissing, type Extracted, type ExtractMissingRequest, type ExtractMissingResult } from './extractMissing';
export { newestCheckpoints } from './moments';
export type { CheckpointReference, CheckpointReferences, FeatureTask, LayerMeasurer, LayerStep, LayerTask, SuggestTask, WeightTask } from './layerMeasurer';
export { measureSources } from './measureSources';
export type { MeasureSourcesRequest, MeasureSourcesResult, Shard } from './measureSources';
export { Monitor } from './monitor';
export type { MonitorOptions } from './monitor';
export { settledProbeData } from './settledProbeData';
