import type * as OnnxRuntime from 'onnxruntime-node';
import { choleskyLogDeterminant } from './cholesky';
import type { Engine, GemmOptions, WorkOptions } from './engine';
import { EngineUnavailable } from './engineUnavailable';
import { gram } from './gram';
import type { Matrix } from './matrix';
import { buildExponentialModel, buildProductModel, type Precision } from './onnxGraph';
import { squaredDistances } from './squaredDistances';
import { symmetricEigenvalues } from './symmetricEigenvalues';

/** Multiplications in one call of the runtime; a larger product is cut by rows so that it can be cancelled. */
const productLimit = 1.5e9;

/** ONNX Runtime, used as a BLAS: every product is a graph of one node, built on first use. */
export class OnnxRuntimeEngine implements Engine {
  readonly name = 'onnxruntime';
  private readonly sessions = new Map<string, Promise<OnnxRuntime.InferenceSession>>();
  private spent = 0;

  private constructor(
    private readonly runtime: typeof OnnxRuntime,
    readonly version: string,
    private readonly threads: number,
  ) {}

  /** @throws {EngineUnavailable} when the package or its native library cannot be loaded or does not compute. */
  static async load(options: { readonly threads: number; readonly importRuntime?: () => Promise<typeof OnnxRuntime> }): Promise<OnnxRuntimeEngine> {
    const { threads, importRuntime = importOnnxRuntime } = options;
    try {
      const runtime = await importRuntime();
      const engine = new OnnxRuntimeEngine(runtime, runtime.env.versions.node ?? runtime.env.versions.common, threads);
      const two = { rows: 1, columns: 1, data: Float64Array.of(2) };
      const product = await engine.gemm(two, two);
      if (product.data[0] !== 4) throw new Error(`its product of 2 and 2 is ${product.data[0]}`);
      return engine;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
      throw new EngineUnavailable('onnxruntime', `onnxruntime-node does not load on ${process.platform}-${process.arch}: ${reason}`, { cause });
    }
  }

  /** Milliseconds spent inside the runtime's native kernels so far. */
  get productMilliseconds(): number {
    return this.spent;
  }

  async gemm(a: Matrix, b: Matrix, options: GemmOptions = {}): Promise<Matrix> {
    const { transposeA = false, transposeB = false, scale = 1, addend, addendScale = 1, into, checkpoint } = options;
    const [rows, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
    const [innerOfB, columns] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
    if (inner !== innerOfB || (addend && (addend.rows !== rows || addend.columns !== columns))) {
      throw new RangeError(
        `No product of ${rows} x ${inner} and ${innerOfB} x ${columns}${addend ? ` plus ${addend.rows} x ${addend.columns}` : ''}.`,
      );
    }
    const wide = [a, b, ...(addend ? [addend] : [])].some((operand) => operand.data instanceof Float64Array);
    const result = into ?? (wide ? new Float64Array(rows * columns) : new Float32Array(rows * columns));
    if (result.length !== rows * columns || result instanceof Float64Array !== wide) {
      throw new RangeError(`A product of ${rows} x ${columns} in ${wide ? 'float64' : 'float32'} does not fit into ${result.constructor.name}(${result.length}).`);
    }
    if (result.length === 0) return { rows, columns, data: result };
    if (inner === 0) {
      for (let i = 0; i < result.length; i++) result[i] = addend ? addendScale * (addend.data[i] as number) : 0;
      return { rows, columns, data: result };
    }

    const precision = wide ? 'float64' : 'float32';
    const graph = { precision, transposeA, transposeB, scale, addendScale: addend ? addendScale : null } as const;
    const session = await this.session(`${precision} ${transposeA} ${transposeB} ${scale} ${graph.addendScale}`, () => buildProductModel(graph));
    const tensor = (data: Float32Array | Float64Array, shape: readonly [number, number]) =>
      new this.runtime.Tensor(precision, wide === data instanceof Float64Array ? data : new Float64Array(data), shape);
    const tensorB = tensor(b.data, [b.rows, b.columns]);
    // A transposed left factor is not contiguous by rows of the result, so it goes in one piece.
    const rowsAtOnce = transposeA ? rows : Math.max(1, Math.min(rows, Math.floor(productLimit / (inner * columns))));
    for (let row = 0; row < rows; row += rowsAtOnce) {
      checkpoint?.();
      const count = Math.min(rowsAtOnce, rows - row);
      const feeds: Record<string, OnnxRuntime.Tensor> = {
        a: transposeA ? tensor(a.data, [a.rows, a.columns]) : tensor(a.data.subarray(row * inner, (row + count) * inner), [count, inner]),
        b: tensorB,
      };
      if (addend) feeds.addend = tensor(addend.data.subarray(row * columns, (row + count) * columns), [count, columns]);
      const fetches = { result: tensor(result.subarray(row * columns, (row + count) * columns), [count, columns]) };
      await this.run(session, feeds, fetches);
    }
    return { rows, columns, data: result };
  }

  async exponentials({ rows, columns, data }: Matrix, into?: Float32Array | Float64Array): Promise<Matrix> {
    const precision: Precision = data instanceof Float64Array ? 'float64' : 'float32';
    const result = into ?? (data instanceof Float64Array ? new Float64Array(data.length) : new Float32Array(data.length));
    if (data.length > 0) {
      const session = await this.session(`exp ${precision}`, () => buildExponentialModel(precision));
      const tensor = (values: Float32Array | Float64Array) => new this.runtime.Tensor(precision, values, [rows, columns]);
      await this.run(session, { a: tensor(data) }, { result: tensor(result) });
    }
    return { rows, columns, data: result };
  }

  gram(z: Matrix, side: 'columns' | 'rows', options: WorkOptions = {}): Promise<Matrix<Float64Array>> {
    return gram(this, z, side, options);
  }

  squaredDistances(a: Matrix, b: Matrix, options: WorkOptions = {}): Promise<Matrix<Float64Array>> {
    return squaredDistances(this, a, b, options);
  }

  choleskyLogDeterminant(matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<number> {
    return choleskyLogDeterminant(this, matrix, options);
  }

  symmetricEigenvalues(matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<Float64Array> {
    return symmetricEigenvalues(this, matrix, options);
  }

  private async run(session: OnnxRuntime.InferenceSession, feeds: Record<string, OnnxRuntime.Tensor>, fetches: Record<string, OnnxRuntime.Tensor>): Promise<void> {
    const start = performance.now();
    await session.run(feeds, fetches);
    this.spent += performance.now() - start;
  }

  private session(key: string, buildModel: () => Uint8Array): Promise<OnnxRuntime.InferenceSession> {
    let session = this.sessions.get(key);
    if (!session) {
      session = this.runtime.InferenceSession.create(buildModel(), {
        executionProviders: ['cpu'],
        executionMode: 'sequential',
        intraOpNumThreads: this.threads,
        interOpNumThreads: 1,
        // Warnings of the runtime go to standard error of whoever embeds it; only errors are worth that.
        logSeverityLevel: 3,
      });
      this.sessions.set(key, session);
    }
    return session;
  }
}

async function importOnnxRuntime(): Promise<typeof OnnxRuntime> {
  return import('onnxruntime-node');
}
