import type * as OnnxRuntime from 'onnxruntime-node';
import { EngineUnavailable, reasonOf, requireProducts } from './engineUnavailable';
import { loadOnnxRuntime } from './loadOnnxRuntime';
import { OnnxEngine } from './onnxEngine';

/** The native library that comes with the package `onnxruntime-node`. */
export class OnnxRuntimeEngine extends OnnxEngine {
  readonly name = 'onnxruntime';
  protected readonly productLimit = 1.5e9;

  private constructor(
    runtime: typeof OnnxRuntime,
    readonly version: string,
    threads: number,
  ) {
    super(runtime, { executionProvider: 'cpu', threads, writesInPlace: true });
  }

  /** @throws {EngineUnavailable} when the package or its native library cannot be loaded or does not compute. */
  static async load(options: { readonly threads: number; readonly importRuntime?: () => Promise<typeof OnnxRuntime> }): Promise<OnnxRuntimeEngine> {
    const { threads, importRuntime = loadOnnxRuntime } = options;
    try {
      const runtime = await importRuntime();
      const engine = new OnnxRuntimeEngine(runtime, runtime.env.versions.node ?? runtime.env.versions.common, threads);
      await requireProducts(engine);
      return engine;
    } catch (cause) {
      throw new EngineUnavailable('onnxruntime', `onnxruntime-node does not load on ${process.platform}-${process.arch}: ${reasonOf(cause)}`, { cause });
    }
  }
}
