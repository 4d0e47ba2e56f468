import { choleskyLogDeterminant } from './cholesky';
import type { Engine, EngineName, GemmOptions, GramOptions, WorkOptions } from './engine';
import { gram } from './gram';
import type { Matrix } from './matrix';
import { squaredDistances } from './squaredDistances';
import { symmetricEigenvalues } from './symmetricEigenvalues';

export type Precision = 'float32' | 'float64';

/** A product short enough for one call of a library: checked, all operands in one precision, nothing empty. */
export interface Product {
  readonly precision: Precision;
  readonly rows: number;
  readonly columns: number;
  /** As stored, before any transposing. */
  readonly a: Matrix;
  readonly b: Matrix;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly scale: number;
  /** Of the result's shape; may be the result itself. */
  readonly addend: Float32Array | Float64Array | null;
  readonly addendScale: number;
  /** Where the product goes, rows x columns. */
  readonly result: Float32Array | Float64Array;
}

/** What all engines share: a library behind one gives products and exponentials, everything else is made of these. */
export abstract class DenseEngine implements Engine {
  abstract readonly name: EngineName;
  abstract readonly version: string;
  /** Multiplications in one call of the library, about 90 ms of them; a larger product is cut so that it can be cancelled. */
  protected abstract readonly productLimit: number;
  private spent = 0;

  /** Milliseconds spent inside the library so far. */
  get productMilliseconds(): number {
    return this.spent;
  }

  /** Writes scale op(a) op(b) [+ addendScale addend] into the result. */
  protected abstract multiply(product: Product): Promise<void>;

  /** Writes exp of each element into the result, which may be the data itself. Both are of one precision and not empty. */
  protected abstract exponentiate(data: Float32Array | Float64Array, result: Float32Array | Float64Array): Promise<void>;

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
    const precision: Precision = wide ? 'float64' : 'float32';
    const result = into ?? (wide ? new Float64Array(rows * columns) : new Float32Array(rows * columns));
    if (result.length !== rows * columns || result instanceof Float64Array !== wide) {
      throw new RangeError(`A product of ${rows} x ${columns} in ${precision} does not fit into ${result.constructor.name}(${result.length}).`);
    }
    if (result.length === 0) return { rows, columns, data: result };
    if (inner === 0) {
      for (let i = 0; i < result.length; i++) result[i] = addend ? addendScale * (addend.data[i] as number) : 0;
      return { rows, columns, data: result };
    }

    const as = (data: Float32Array | Float64Array) => (wide === data instanceof Float64Array ? data : new Float64Array(data));
    const whole: Product = {
      precision, rows, columns,
      a: { ...a, data: as(a.data) }, b: { ...b, data: as(b.data) },
      transposeA, transposeB, scale, addend: addend ? as(addend.data) : null, addendScale, result,
    };
    for (const product of pieces(whole, inner, this.productLimit)) {
      checkpoint?.();
      await this.timed(() => this.multiply(product));
    }
    return { rows, columns, data: result };
  }

  async exponentials({ rows, columns, data }: Matrix, into?: Float32Array | Float64Array): Promise<Matrix> {
    const result = into ?? (data instanceof Float64Array ? new Float64Array(data.length) : new Float32Array(data.length));
    if (result.length !== data.length || result.constructor !== data.constructor) {
      throw new RangeError(`The exponentials of ${data.constructor.name}(${data.length}) do not fit into ${result.constructor.name}(${result.length}).`);
    }
    if (data.length > 0) await this.timed(() => this.exponentiate(data, result));
    return { rows, columns, data: result };
  }

  gram(z: Matrix, side: 'columns' | 'rows', options: GramOptions = {}): Promise<Matrix<Float64Array>> {
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

  protected async timed<Value>(work: () => Promise<Value>): Promise<Value> {
    const start = performance.now();
    const value = await work();
    this.spent += performance.now() - start;
    return value;
  }
}

/** The product cut where its operands are contiguous: by rows of A, or, when A is transposed, by terms of the sum. */
function* pieces(product: Product, inner: number, limit: number): Generator<Product> {
  const { a, b, rows, columns, transposeA, transposeB, addend, result } = product;
  if (!transposeA) {
    const step = Math.max(1, Math.floor(limit / (inner * columns)));
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row);
      const of = (data: Float32Array | Float64Array) => data.subarray(row * columns, (row + count) * columns);
      yield { ...product, rows: count, a: rowsOf(a, row, count), addend: addend && of(addend), result: of(result) };
    }
    return;
  }
  // The columns of a transposed B, like the rows of a transposed A, are scattered: that product, which nobody asks for, goes in one piece.
  const step = transposeB ? inner : Math.max(1, Math.floor(limit / (rows * columns)));
  for (let term = 0; term < inner; term += step) {
    const count = Math.min(step, inner - term);
    const sum = term === 0 ? {} : { addend: result, addendScale: 1 };
    yield { ...product, a: rowsOf(a, term, count), b: transposeB ? b : rowsOf(b, term, count), ...sum };
  }
}

function rowsOf({ columns, data }: Matrix, start: number, rows: number): Matrix {
  return { rows, columns, data: data.subarray(start * columns, (start + rows) * columns) };
}
