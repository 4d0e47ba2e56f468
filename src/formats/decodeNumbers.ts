import { TensorDecoder } from './decode';
import type { DType } from './tensors';

/** A few numbers as plain ones; 64-bit integers that a number cannot hold become text. */
export function decodeNumbers(bytes: Uint8Array, { dtype, bigEndian, bytes: size }: { readonly dtype: DType; readonly bigEndian: boolean; readonly bytes: number }): (number | string)[] {
  const decoder = new TensorDecoder(dtype, bytes.length / size, bigEndian);
  decoder.push(bytes);
  return Array.from(decoder.finish() as ArrayLike<number | bigint>, (value) => {
    const number = Number(value);
    return Number.isFinite(number) && (typeof value === 'number' || Number.isSafeInteger(number)) ? number : String(value);
  });
}
