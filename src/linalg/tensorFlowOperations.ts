import type { Precision, Product } from './denseEngine';
import type { Matrix } from './matrix';

/** An attribute of an operation; `type` is one of the binding's TF_ATTR numbers. */
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

/** The part of the native library of `@tensorflow/tfjs-node` that is used here (its src/tfjs_binding.ts). Tensors are numbers and must be deleted. */
export interface TensorFlowBinding {
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  createTensor(shape: readonly number[], type: number, data: Float32Array | Int32Array): number;
  deleteTensor(tensor: number): void;
  tensorDataSync(tensor: number): Float32Array | Int32Array | BigInt64Array;
  executeOp(operation: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): readonly { readonly id: number }[];
}

/** The package `@tensorflow/tfjs-node`, as far as it is used here. */
export interface TensorFlowPackage {
  backend(): { readonly binding?: TensorFlowBinding };
}

/** tensorflow/c/tf_datatype.h */
const dataType = { float32: 1, float64: 2, int64: 9 } as const;

/**
 * TensorFlow's operations on matrices. tfjs knows no float64, but its library runs every operation: the bytes of a float64 matrix go in
 * as int64, are read as double (Bitcast), and come back the same way, so that nothing is rounded. No tensor outlives a call.
 */
export class TensorFlowOperations {
  readonly version: string;

  /** @throws {Error} when the library cannot run operations. */
  constructor(private readonly binding: TensorFlowBinding) {
    if (typeof binding.executeOp !== 'function') throw new Error('@tensorflow/tfjs-node has no operations of its own, perhaps it is of another version');
    this.version = binding.TF_Version;
  }

  /** op(a) op(b), of the precision of both. */
  product({ precision, a, b, transposeA, transposeB }: Pick<Product, 'precision' | 'a' | 'b' | 'transposeA' | 'transposeB'>): Float32Array | Float64Array {
    const attributes = [this.flag('transpose_a', transposeA), this.flag('transpose_b', transposeB)];
    return this.run('MatMul', precision, attributes, [a, b]);
  }

  exponentials(matrix: Matrix): Float32Array | Float64Array {
    return this.run('Exp', matrix.data instanceof Float64Array ? 'float64' : 'float32', [], [matrix]);
  }

  /** Lower Cholesky factor. @throws {Error} when the matrix is not positive definite. */
  choleskyFactor(matrix: Matrix<Float64Array>): Float64Array {
    return this.run('Cholesky', 'float64', [], [matrix]) as Float64Array;
  }

  /** Eigenvalues of a symmetric matrix (its lower triangle is read), ascending. */
  symmetricEigenvalues(matrix: Matrix<Float64Array>): Float64Array {
    return this.run('SelfAdjointEigV2', 'float64', [this.flag('compute_v', false)], [matrix], 2) as Float64Array;
  }

  /**
   * Lets the library see each name of an attribute once: it keeps them in a set that all threads share without a lock
   * (ATTR_NAME_SET in its tfjs_backend.cc), which is only safe while nothing is added.
   */
  nameAttributes(): void {
    const one = { rows: 1, columns: 1, data: Float64Array.of(1) };
    this.product({ precision: 'float64', a: one, b: one, transposeA: false, transposeB: false });
    this.symmetricEigenvalues(one);
  }

  private run(operation: string, precision: Precision, attributes: readonly Attribute[], operands: readonly Matrix[], outputs = 1): Float32Array | Float64Array {
    const { binding } = this;
    const tensors: number[] = [];
    const keep = (tensor: number): number => {
      tensors.push(tensor);
      return tensor;
    };
    const bitcast = (tensor: number, from: number, to: number): number =>
      keep((binding.executeOp('Bitcast', [this.type('T', from), this.type('type', to)], [tensor], 1)[0] as { id: number }).id);
    try {
      const inputs = operands.map(({ rows, columns, data }) => {
        if (data instanceof Float32Array) return keep(binding.createTensor([rows, columns], dataType.float32, data));
        const words = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
        return bitcast(keep(binding.createTensor([rows, columns], dataType.int64, words)), dataType.int64, dataType.float64);
      });
      const results = binding.executeOp(operation, [this.type('T', dataType[precision]), ...attributes], inputs, outputs);
      for (const { id } of results) keep(id);
      const result = (results[0] as { id: number }).id;
      if (precision === 'float32') return binding.tensorDataSync(result) as Float32Array;
      const { buffer, byteOffset, length } = binding.tensorDataSync(bitcast(result, dataType.float64, dataType.int64));
      return new Float64Array(buffer, byteOffset, length);
    } finally {
      for (const tensor of tensors) binding.deleteTensor(tensor);
    }
  }

  private type(name: string, value: number): Attribute {
    return { name, type: this.binding.TF_ATTR_TYPE, value };
  }

  private flag(name: string, value: boolean): Attribute {
    return { name, type: this.binding.TF_ATTR_BOOL, value };
  }
}
