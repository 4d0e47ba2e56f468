import { describe, expect, test, vi } from 'vitest';
import { createEngine, EngineUnavailable, loadEngine, type TensorFlowPackage } from '../../../src/linalg';
import { TensorFlowEngine } from '../../../src/linalg/tensorFlowEngine';
import { choleskyInPlace } from '../../../src/linalg/cholesky';
import { gaussianMatrix, largestDifference, product, transposed, withEigenvalues } from './matrices';

// The way through the native library, with a library that keeps tensors as the real one does (its tfjs_backend.cc): of float32, int32
// or int64, given as typed arrays; others only come out of operations. Numbers of the real one are held to in engines.test.ts.

interface Tensor {
  readonly shape: readonly number[];
  readonly type: number;
  readonly bytes: ArrayBuffer;
}

function createLibrary(options: { readonly refuse?: string } = {}) {
  const tensors = new Map<number, Tensor>();
  let next = 0;
  const add = (tensor: Tensor): { id: number } => {
    tensors.set(next, tensor);
    return { id: next++ };
  };
  const doubles = (id: number): Float64Array => new Float64Array((tensors.get(id) as Tensor).bytes);
  const calls: string[] = [];
  const binding = {
    TF_Version: '2.9.1',
    TF_ATTR_TYPE: 4,
    TF_ATTR_BOOL: 3,
    createTensor(shape: readonly number[], type: number, data: Float32Array | Int32Array): number {
      const expected = shape.reduce((a, b) => a * b, 1) * (type === 9 ? 2 : 1);
      if (data.length !== expected || data instanceof Float32Array !== (type === 1)) throw new Error(`Shape ${shape.join(' x ')} does not match typed-array.`);
      return add({ shape, type, bytes: data.slice().buffer as ArrayBuffer }).id;
    },
    deleteTensor(id: number): void {
      if (!tensors.delete(id)) throw new Error(`Delete called on a Tensor not referenced (tensor_id: ${id})`);
    },
    tensorDataSync(id: number) {
      const { type, bytes } = tensors.get(id) as Tensor;
      if (type === 2) throw new Error('Unknown TF_DataType 2');
      return type === 1 ? new Float32Array(bytes.slice(0)) : new BigInt64Array(bytes.slice(0));
    },
    executeOp(operation: string, attributes: readonly { name: string; value: number | boolean }[], inputs: readonly number[]): { id: number }[] {
      calls.push(operation);
      const attribute = (name: string) => attributes.find((one) => one.name === name)?.value;
      const [first, second] = inputs.map((id) => tensors.get(id) as Tensor) as [Tensor, Tensor];
      if (operation === options.refuse) throw new Error(`Session fail with an exception: ${operation} is not for you.`);
      if (attribute('T') !== first.type) throw new Error(`cannot compute ${operation} as input #0 was expected to be of another type`);
      const matrix = ({ shape, bytes }: Tensor) => ({ rows: shape[0] as number, columns: shape[1] as number, data: new Float64Array(bytes) });
      switch (operation) {
        case 'Bitcast':
          return [add({ ...first, type: attribute('type') as number })];
        case 'MatMul': {
          const [a, b] = [matrix(first), matrix(second)];
          const result = product(attribute('transpose_a') === true ? transposed(a) : a, attribute('transpose_b') === true ? transposed(b) : b);
          return [add({ shape: [result.rows, result.columns], type: 2, bytes: result.data.buffer as ArrayBuffer })];
        }
        case 'Cholesky': {
          const data = doubles(inputs[0] as number).slice();
          choleskyInPlace(data, first.shape[0] as number);
          return [add({ ...first, bytes: data.buffer })];
        }
        case 'SelfAdjointEigV2': {
          // Of diagonal matrices.
          const { rows, data } = matrix(first);
          const values = Float64Array.from({ length: rows }, (_, i) => data[i * rows + i] as number).sort();
          return [add({ shape: [rows], type: 2, bytes: values.buffer as ArrayBuffer }), add({ shape: [0], type: 2, bytes: new ArrayBuffer(0) })];
        }
        default:
          throw new Error(`Op type not registered '${operation}'`);
      }
    },
  };
  return { tensors, calls, loadPackage: (): TensorFlowPackage => ({ backend: () => ({ binding }) }) };
}

describe('the TensorFlow engine', () => {
  test('takes float64 through as bytes and leaves no tensor behind', async () => {
    const { tensors, loadPackage } = createLibrary();
    const engine = await TensorFlowEngine.load({ loadPackage });
    expect(engine.version).toBe('2.9.1');
    const [a, b] = [gaussianMatrix(5, 7, 1), gaussianMatrix(7, 3, 2)];
    expect((await engine.gemm(a, b)).data).toEqual(product(a, b).data);
    expect((await engine.gemm(transposed(a), transposed(b), { transposeA: true, transposeB: true })).data).toEqual(product(a, b).data);
    expect(tensors.size).toBe(0);
  });

  test('leaves no tensor behind when an operation fails', async () => {
    const { tensors, loadPackage } = createLibrary({ refuse: 'Exp' });
    const engine = await TensorFlowEngine.load({ loadPackage });
    await expect(engine.exponentials(gaussianMatrix(2, 2, 1))).rejects.toThrow('Exp is not for you');
    expect(tensors.size).toBe(0);
  });

  test('uses its own decompositions up to a size that does not hold up a cancel, and those of all engines above it', async () => {
    const { calls, tensors, loadPackage } = createLibrary();
    const engine = await TensorFlowEngine.load({ loadPackage });
    calls.length = 0;
    const diagonal = { rows: 3, columns: 3, data: Float64Array.of(4, 0, 0, 0, 1, 0, 0, 0, 2) };
    expect(await engine.choleskyLogDeterminant(diagonal)).toBeCloseTo(Math.log(8), 14);
    expect([...(await engine.symmetricEigenvalues(diagonal))]).toEqual([1, 2, 4]);
    expect(calls.filter((name) => name !== 'Bitcast')).toEqual(['Cholesky', 'SelfAdjointEigV2']);
    calls.length = 0;
    const checkpoint = vi.fn(() => {
      throw new Error('cancelled');
    });
    const large = { rows: 1600, columns: 1600, data: new Float64Array(1600 * 1600).fill(1) };
    await expect(engine.choleskyLogDeterminant(large, { checkpoint })).rejects.toThrow('cancelled');
    await expect(engine.symmetricEigenvalues(large, { checkpoint })).rejects.toThrow('cancelled');
    expect(calls).not.toContain('Cholesky');
    expect(calls).not.toContain('SelfAdjointEigV2');
    expect(tensors.size).toBe(0);
  });

  test('names the pivot when TensorFlow only says that it failed', async () => {
    const { tensors, loadPackage } = createLibrary();
    const engine = await TensorFlowEngine.load({ loadPackage });
    await expect(engine.choleskyLogDeterminant({ rows: 1, columns: 1, data: Float64Array.of(-2) })).rejects.toThrow('pivot 0 is -2');
    expect(largestDifference([await engine.choleskyLogDeterminant(withEigenvalues([1, 2, 3], 4))], [Math.log(6)])).toBeLessThan(1e-13);
    expect(tensors.size).toBe(0);
  });

  test('lets the library see every name of an attribute while no other thread is loading', async () => {
    const { calls, loadPackage } = createLibrary();
    const seen: string[][] = [];
    await TensorFlowEngine.load({
      loadPackage,
      exclusively: (load) => {
        const value = load();
        seen.push([...calls]);
        return value;
      },
    });
    expect(new Set(seen.flat())).toEqual(new Set(['Bitcast', 'MatMul', 'SelfAdjointEigV2']));
  });
});

describe('a TensorFlow that cannot be used', () => {
  const missing = (message: string) => ({
    loadPackage: () => {
      throw new Error(message);
    },
  });

  test('is named with the file and the reason', async () => {
    const message = '@tensorflow/tfjs-node in /engines/tensorflow does not load: libtensorflow.so.2: cannot open shared object file: No such file or directory';
    const failure = await createEngine('tensorflow', { tensorFlow: missing(message) }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(EngineUnavailable);
    expect(failure).toMatchObject({ engine: 'tensorflow', reason: message });
  });

  test('is not there unless it is said where it is', async () => {
    await expect(createEngine('tensorflow')).rejects.toThrow('The tensorflow engine cannot be used: @tensorflow/tfjs-node is not installed.');
  });

  test('is one without its native library, or one that multiplies wrongly', async () => {
    await expect(createEngine('tensorflow', { tensorFlow: { loadPackage: () => ({ backend: () => ({}) }) } })).rejects.toThrow('loaded without its native library');
    await expect(createEngine('tensorflow', { tensorFlow: createLibrary({ refuse: 'MatMul' }) })).rejects.toThrow('MatMul is not for you');
  });

  test('does not keep auto from the first engine that loads', async () => {
    const { engine, passedOver } = await loadEngine('auto', { tensorFlow: missing('no') });
    expect([engine.name, passedOver]).toEqual(['onnxruntime', []]);
  });
});
