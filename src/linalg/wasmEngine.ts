import type * as OnnxRuntime from 'onnxruntime-web';
import { EngineUnavailable, reasonOf, requireProducts } from './engineUnavailable';
import { OnnxEngine } from './onnxEngine';

/** ONNX Runtime compiled to WebAssembly, from the package `onnxruntime-web`: runs wherever Node does, on one thread. */
export class WasmEngine extends OnnxEngine {
  readonly name = 'wasm';
  protected readonly productLimit = 2.5e8;

  private constructor(
    runtime: typeof OnnxRuntime,
    readonly version: string,
  ) {
    super(runtime, { executionProvider: 'wasm', threads: 1, writesInPlace: false });
  }

  /** @throws {EngineUnavailable} when the package or its WebAssembly file cannot be loaded or does not compute. */
  static async load(options: { readonly importRuntime?: () => Promise<typeof OnnxRuntime> } = {}): Promise<WasmEngine> {
    const { importRuntime = () => import('onnxruntime-web') } = options;
    try {
      const runtime = await importRuntime();
      // More threads would be workers of its own inside a compute thread.
      runtime.env.wasm.numThreads = 1;
      const engine = new WasmEngine(runtime, runtime.env.versions.web ?? runtime.env.versions.common);
      await requireProducts(engine);
      return engine;
    } catch (cause) {
      throw new EngineUnavailable('wasm', `onnxruntime-web does not load: ${reasonOf(cause)}`, { cause });
    }
  }
}
