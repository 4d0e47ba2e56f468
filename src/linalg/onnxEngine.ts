import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { DenseEngine, type Precision, type Product } from './denseEngine';
import { buildExponentialModel, buildProductModel } from './onnxGraph';

/** What the packages `onnxruntime-node` and `onnxruntime-web` have in common. */
export interface OnnxRuntimeLibrary {
  readonly InferenceSession: { create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (precision: Precision, data: Float32Array | Float64Array, dimensions: readonly number[]) => Tensor;
}

export interface OnnxEngineOptions {
  readonly executionProvider: 'cpu' | 'wasm';
  readonly threads: number;
  /** Whether the library writes a result into storage it is given, so that nothing is copied. */
  readonly writesInPlace: boolean;
}

/** ONNX Runtime, used as a BLAS: every product is a graph of one node, built on first use. */
export abstract class OnnxEngine extends DenseEngine {
  private readonly sessions = new Map<string, Promise<InferenceSession>>();

  constructor(
    private readonly runtime: OnnxRuntimeLibrary,
    private readonly options: OnnxEngineOptions,
  ) {
    super();
  }

  protected async multiply(product: Product): Promise<void> {
    const { precision, rows, columns, a, b, transposeA, transposeB, scale, addend, addendScale, result } = product;
    // ONNX stores the factors of a product in float32.
    if (precision === 'float64' && (Math.fround(scale) !== scale || Math.fround(addendScale) !== addendScale)) {
      const plain = new Float64Array(result.length);
      await this.multiply({ ...product, scale: 1, addend: null, addendScale: 1, result: plain });
      for (let i = 0; i < plain.length; i++) result[i] = scale * (plain[i] as number) + (addend ? addendScale * (addend[i] as number) : 0);
      return;
    }
    const graph = { precision, transposeA, transposeB, scale, addendScale: addend ? addendScale : null } as const;
    const session = await this.session(`${precision} ${transposeA} ${transposeB} ${scale} ${graph.addendScale}`, () => buildProductModel(graph));
    const feeds: Record<string, Tensor> = {
      a: this.tensor(precision, a.data, [a.rows, a.columns]),
      b: this.tensor(precision, b.data, [b.rows, b.columns]),
    };
    if (addend) feeds.addend = this.tensor(precision, addend, [rows, columns]);
    await this.run(session, feeds, this.tensor(precision, result, [rows, columns]));
  }

  protected async exponentiate(data: Float32Array | Float64Array, result: Float32Array | Float64Array): Promise<void> {
    const precision: Precision = data instanceof Float64Array ? 'float64' : 'float32';
    const session = await this.session(`exp ${precision}`, () => buildExponentialModel(precision));
    await this.run(session, { a: this.tensor(precision, data, [1, data.length]) }, this.tensor(precision, result, [1, data.length]));
  }

  private async run(session: InferenceSession, feeds: Record<string, Tensor>, result: Tensor): Promise<void> {
    if (this.options.writesInPlace) {
      await session.run(feeds, { result });
      return;
    }
    const output = (await session.run(feeds)).result as Tensor;
    (result.data as Float64Array).set(output.data as Float64Array);
    output.dispose();
  }

  private tensor(precision: Precision, data: Float32Array | Float64Array, dimensions: readonly number[]): Tensor {
    return new this.runtime.Tensor(precision, data, dimensions);
  }

  private session(key: string, buildModel: () => Uint8Array): Promise<InferenceSession> {
    let session = this.sessions.get(key);
    if (!session) {
      session = this.runtime.InferenceSession.create(buildModel(), {
        executionProviders: [this.options.executionProvider],
        executionMode: 'sequential',
        intraOpNumThreads: this.options.threads,
        interOpNumThreads: 1,
        // Warnings of the runtime go to standard error of whoever embeds it; only errors are worth that.
        logSeverityLevel: 3,
      });
      this.sessions.set(key, session);
    }
    return session;
  }
}
