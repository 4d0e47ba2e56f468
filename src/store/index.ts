export { canonicalOptions, contentKey, recordKey } from './recordKey';
export { mergeRecords } from './mergeRecords';
export { parseRecord } from './parseRecord';
export { LandscapeStore, type LandscapeFolders, type LandscapeHeader, type LandscapeLine, type LandscapePoint } from './landscapeStore';
export { RecordStore } from './recordStore';
export type { RecordStoreOptions } from './recordStore';
export { checkProbeData, readProbeData, writeProbeData } from './probeDataFile';
export { featurePath, findFeatureFile, removeFeatures, removeOlderFeatures, writeFeatureFile, type ExtractedFeatures } from './featureFile';
