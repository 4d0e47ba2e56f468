export type { Engine, GemmOptions } from './engine';
export type { Matrix } from './matrix';
export { createEngine, EngineUnavailable } from './createEngine';
export type { EngineChoice, EngineOptions } from './createEngine';
