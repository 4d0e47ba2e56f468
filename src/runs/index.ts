/** The door of the room: what lies on disk and how it is followed. */
export { inTrainingOrder, isShard } from './checkpointOrder';
export { runIdOf, type FileOnDisk, type RunOnDisk } from './run';
export { discoverRuns, explainFolder, findRuns, type Discovered, type DiscoveryOptions, type FoundRuns } from './discovery';
export { DiscoveryCache } from './discoveryCache';
export { openProbe, probeOf, type Probe, type ProbeLayer, type ProbeLayerInfo } from './probe';
export { fingerprint, fingerprintOfFiles } from './fingerprint';
export { describeOthers, FollowedLogFiles, logFilesOf, type LogFiles } from './logFiles';
export { FollowedLog, type LogChange, type FollowLogOptions } from './followLog';
export { StabilityGate, type StabilityOptions, type StabilityState } from './stability';
export { ScalarCollector, type CollectedSeries } from './scalars';
export { checkpointOf, openCheckpoint, type Checkpoint, type CheckpointLayer } from './checkpoint';
export { complete as completeFromConfig, readRunConfig, type RunConfig } from './runConfig';
