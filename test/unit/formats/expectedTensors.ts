import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { float16, bfloat16 } from '../../../src/formats/decode';
import type { Tensor } from '../../../src/formats';

/** A tensor as test/fixtures/expectation.py describes it. */
export interface ExpectedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values?: readonly unknown[];
  readonly sha256?: string;
  readonly first?: readonly unknown[];
  /** Where values were quantised. */
  readonly tolerance?: number;
  /** Of an ONNX model: "initializer", or the node or subgraph that it belongs to. */
  readonly where?: string;
}

function plain(value: number | bigint): unknown {
  if (typeof value === 'bigint') return value <= 2n ** 53n && value >= -(2n ** 53n) ? Number(value) : String(value);
  return Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';
}

/** The bytes that the library has for the tensor; what was widened is narrowed again, which is exact. */
function storedBytes({ data, dtype }: Tensor): Uint8Array {
  if (dtype !== 'F16' && dtype !== 'BF16') {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const wide = dtype === 'F16' ? float16 : bfloat16;
  const bits = new Map(Array.from({ length: 65536 }, (_, code) => [Object.is(wide(code), -0) ? '-0' : String(wide(code)), code]));
  return new Uint8Array(Uint16Array.from(data as Float32Array, (value) => bits.get(Object.is(value, -0) ? '-0' : String(value))!).buffer);
}

/** That a tensor is what the library read that wrote the file. */
export function expectTensor(tensor: Tensor, expected: ExpectedTensor): void {
  const { name, data, shape, dtype } = tensor;
  expect({ shape, dtype }, name).toEqual({ shape: expected.shape, dtype: expected.dtype });
  const values = expected.values ?? expected.first!;
  const numbers = Array.from(data.slice(0, values.length), plain);
  if (expected.tolerance === undefined) {
    expect(numbers, name).toEqual(values);
  } else {
    numbers.forEach((number, i) => expect(Math.abs((number as number) - (values[i] as number)), name).toBeLessThanOrEqual(expected.tolerance!));
  }
  if (expected.values !== undefined) expect(data.length, name).toBe(values.length);
  else expect(createHash('sha256').update(storedBytes(tensor)).digest('hex'), name).toBe(expected.sha256);
}
