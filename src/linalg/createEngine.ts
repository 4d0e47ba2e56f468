import type { Engine } from './engine';
import { OnnxRuntimeEngine } from './onnxRuntimeEngine';
import { EngineUnavailable } from './engineUnavailable';

export { EngineUnavailable };

/** `auto` takes the first engine that can be loaded on this machine. */
export type EngineChoice = 'auto' | 'onnxruntime';

export interface EngineOptions {
  /** Threads inside one product. Default 1: layers are measured side by side, one a compute thread. */
  readonly threads?: number;
}

/**
 * Loads an engine.
 * @throws {EngineUnavailable} naming each engine that was tried and why it could not be loaded.
 */
export async function createEngine(choice: EngineChoice = 'auto', options: EngineOptions = {}): Promise<Engine> {
  const { threads = 1 } = options;
  if (!Number.isInteger(threads) || threads < 1) throw new RangeError(`An engine needs a whole number of threads of at least 1, not ${threads}.`);
  switch (choice) {
    case 'auto':
    case 'onnxruntime':
      return OnnxRuntimeEngine.load({ threads });
    default:
      throw new EngineUnavailable(String(choice), 'there is no engine of this name');
  }
}
