export { WorkerClient } from './workerClient';
export type { Disposable, WorkerClientListener, WorkerClientOptions, WorkerConnection } from './workerConnection';
export { computeThreadCount, createComputePool } from './computePool';
export type { ComputePoolOptions } from './computePool';
