export type * from './records';
export type * from './runs';
export type * from './findings';
export type * from './worker';
export type * from './panel';
export type * from './landscape';
export type * from './landscapePanel';
export type * from './probeData';
export { isOfTraining, trainingSource } from './records';
