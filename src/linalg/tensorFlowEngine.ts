import { DenseEngine, type Product } from './denseEngine';
import type { WorkOptions } from './engine';
import { EngineUnavailable, reasonOf, requireProducts } from './engineUnavailable';
import type { Matrix } from './matrix';
import { TensorFlowOperations, type TensorFlowPackage } from './tensorFlowOperations';

/** A decomposition of TensorFlow is one call that nothing can interrupt; up to these sizes it takes about 100 ms at most. */
const largestOfCholesky = 1536;
const largestOfEigenvalues = 896;

export interface TensorFlowEngineOptions {
  /** Loads `@tensorflow/tfjs-node`; throws why it cannot. */
  readonly loadPackage: () => TensorFlowPackage;
  /** Runs the loading while no other thread of the process is at it. Default: just runs it. */
  readonly exclusively?: <Value>(load: () => Value) => Value;
}

/** TensorFlow's own kernels, in the native library of the package `@tensorflow/tfjs-node`. */
export class TensorFlowEngine extends DenseEngine {
  readonly name = 'tensorflow';
  readonly version: string;
  protected readonly productLimit = 1.5e9;

  private constructor(private readonly operations: TensorFlowOperations) {
    super();
    this.version = operations.version;
  }

  /** @throws {EngineUnavailable} when the package or its native library cannot be loaded or does not compute. */
  static async load({ loadPackage, exclusively = (load) => load() }: TensorFlowEngineOptions): Promise<TensorFlowEngine> {
    try {
      const engine = exclusively(() => {
        const { binding } = loadPackage().backend();
        if (!binding) throw new Error('@tensorflow/tfjs-node was loaded without its native library');
        const operations = new TensorFlowOperations(binding);
        operations.nameAttributes();
        return new TensorFlowEngine(operations);
      });
      await requireProducts(engine);
      return engine;
    } catch (cause) {
      throw new EngineUnavailable('tensorflow', reasonOf(cause), { cause });
    }
  }

  override async choleskyLogDeterminant(matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<number> {
    const size = matrix.rows;
    if (size === matrix.columns && size > 0 && size <= largestOfCholesky) {
      options.checkpoint?.();
      const factor = await this.attempt(() => this.operations.choleskyFactor(matrix));
      let sum = 0;
      for (let i = 0; factor && i < size; i++) sum += Math.log(factor[i * size + i] as number);
      if (factor && Number.isFinite(sum)) return 2 * sum;
    }
    // Also for a matrix that is not positive definite: this one names the pivot.
    return super.choleskyLogDeterminant(matrix, options);
  }

  override async symmetricEigenvalues(matrix: Matrix<Float64Array>, options: WorkOptions = {}): Promise<Float64Array> {
    const size = matrix.rows;
    if (size === matrix.columns && size > 0 && size <= largestOfEigenvalues) {
      options.checkpoint?.();
      const values = await this.attempt(() => this.operations.symmetricEigenvalues(matrix));
      if (values?.every(Number.isFinite)) return values;
    }
    return super.symmetricEigenvalues(matrix, options);
  }

  protected async multiply(product: Product): Promise<void> {
    const { scale, addend, addendScale, result } = product;
    const plain = this.operations.product(product);
    if (scale === 1 && !addend) {
      result.set(plain);
      return;
    }
    for (let i = 0; i < plain.length; i++) result[i] = scale * (plain[i] as number) + (addend ? addendScale * (addend[i] as number) : 0);
  }

  protected async exponentiate(data: Float32Array | Float64Array, result: Float32Array | Float64Array): Promise<void> {
    result.set(this.operations.exponentials({ rows: 1, columns: data.length, data }));
  }

  /** What the operation gives, or null when TensorFlow refuses the matrix. */
  private async attempt<Value>(operation: () => Value): Promise<Value | null> {
    return this.timed(async () => operation()).catch(() => null);
  }
}
