export type { Engine, EngineName, GemmOptions } from './engine';
export type { Matrix } from './matrix';
export { createEngine, engineOrder, EngineUnavailable, loadEngine } from './createEngine';
export type { EngineChoice, EngineOptions, LoadedEngine } from './createEngine';
export { loadOnnxRuntime } from './loadOnnxRuntime';
export type { TensorFlowEngineOptions } from './tensorFlowEngine';
export type { TensorFlowPackage } from './tensorFlowOperations';
export { hash64, Random, randomPurpose } from './random';
