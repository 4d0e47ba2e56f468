export { checkProbeImages, extractCheckpoint, type ExtractOptions } from './extractCheckpoint';
