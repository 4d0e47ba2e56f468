import type { Engine, EngineName } from './engine';
import { EngineUnavailable } from './engineUnavailable';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine';
import { TensorFlowEngine, type TensorFlowEngineOptions } from './tensorFlowEngine';
import { WasmEngine } from './wasmEngine';

export { EngineUnavailable };

/** `auto` takes the first engine of `engineOrder` that can be loaded on this machine. */
export type EngineChoice = 'auto' | EngineName;

/** Native before portable, what comes with the extension before what has to be installed. */
export const engineOrder: readonly EngineName[] = ['onnxruntime', 'tensorflow', 'wasm'];

export interface EngineOptions {
  /** Threads inside one product, where the engine can be told. Default 1: layers are measured side by side, one a compute thread. */
  readonly threads?: number;
  /** How to get at TensorFlow, which is no part of the extension. Default: there is none. */
  readonly tensorFlow?: TensorFlowEngineOptions;
}

export interface LoadedEngine {
  readonly engine: Engine;
  /** The engines that come before it in the order and could not be loaded, with the reasons. */
  readonly passedOver: readonly EngineUnavailable[];
}

/**
 * Loads an engine.
 * @throws {EngineUnavailable} naming each engine that was tried and why it could not be loaded.
 */
export async function createEngine(choice: EngineChoice = 'auto', options: EngineOptions = {}): Promise<Engine> {
  return (await loadEngine(choice, options)).engine;
}

/** As `createEngine`, and tells which engines were passed over. */
export async function loadEngine(choice: EngineChoice = 'auto', options: EngineOptions = {}): Promise<LoadedEngine> {
  const { threads = 1, tensorFlow = withoutTensorFlow } = options;
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`An engine needs a whole number of threads of at least 1, not ${threads}.`);
  const loaders: Readonly<Record<EngineName, () => Promise<Engine>>> = {
    onnxruntime: () => OnnxRuntimeEngine.load({ threads }),
    tensorflow: () => TensorFlowEngine.load(tensorFlow),
    wasm: () => WasmEngine.load(),
  };
  if (choice !== 'auto') {
    if (!engineOrder.includes(choice)) throw new EngineUnavailable(String(choice), 'there is no engine of this name');
    return { engine: await loaders[choice](), passedOver: [] };
  }
  const passedOver: EngineUnavailable[] = [];
  for (const name of engineOrder) {
    try {
      return { engine: await loaders[name](), passedOver };
    } catch (error) {
      if (!(error instanceof EngineUnavailable)) throw error;
      passedOver.push(error);
    }
  }
  const reasons = passedOver.map(({ engine, reason }) => `${engine}: ${reason}`).join('; ');
  throw new EngineUnavailable('auto', reasons, { cause: new AggregateError(passedOver) });
}

const withoutTensorFlow: TensorFlowEngineOptions = {
  loadPackage: () => {
    throw new Error('@tensorflow/tfjs-node is not installed');
  },
};
