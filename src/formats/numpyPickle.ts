import { bytesOf, TensorDecoder, type TensorData } from './decode';
import { numberTypeOf, toRowMajor } from './npy';
import { globalPath, PickleObject, PickleTuple, sequenceItems, type PickleValue } from './pickleValues';
import { elementsOf } from './shape';
import type { DType } from './tensors';
import { Unreadable } from './torchTensors';

/** An array of NumPy whose values are in the pickle itself. */
export interface PickledArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bigEndian: boolean;
  readonly fortranOrder: boolean;
  readonly bytes: Uint8Array;
}

/**
 * The array that NumPy would make: `_reconstruct` and the state for `ndarray.__setstate__`, (version, shape, dtype, Fortran order, bytes), or protocol 5's
 * `_frombuffer(buffer, dtype, shape, order)`; null when the value is none.
 */
export function numpyArrayOf(value: PickleValue): PickledArray | Unreadable | null {
  if (!(value instanceof PickleObject)) {
    return null;
  }
  const path = globalPath(value);
  if (path === 'numpy.core.multiarray._reconstruct') {
    const state = value.state instanceof PickleTuple ? value.state.items : [];
    const [shape, dtype, fortran, content] = state.slice(-4);
    return arrayOf(shape, dtype, fortran === true || fortran === 1, content);
  }
  if (path === 'numpy.core.numeric._frombuffer') {
    const [content, dtype, shape, order] = value.args;
    return arrayOf(shape, dtype, order === 'F', content);
  }
  return null;
}

/** The number in what `numpy.float64(1.5)` pickles to: `scalar(dtype, bytes)`; undefined when the value is none. */
export function numpyScalarOf(value: PickleValue): number | bigint | boolean | undefined {
  if (!(value instanceof PickleObject) || globalPath(value) !== 'numpy.core.multiarray.scalar') {
    return undefined;
  }
  const array = arrayOf(new PickleTuple([]), value.args[0], false, value.args[1]);
  if (array instanceof Unreadable) {
    return undefined;
  }
  const [number] = decodePickledArray(array);
  return array.dtype === 'BOOL' ? number === 1 : number;
}

/** The values in row-major order. */
export function decodePickledArray({ dtype, shape, elements, bigEndian, fortranOrder, bytes }: PickledArray): TensorData {
  const decoder = new TensorDecoder(dtype, elements, bigEndian);
  decoder.push(bytes);
  const data = decoder.finish();
  return fortranOrder ? toRowMajor(data, shape) : data;
}

function arrayOf(shape: PickleValue | undefined, type: PickleValue | undefined, fortranOrder: boolean, content: PickleValue | undefined): PickledArray | Unreadable {
  const sizes = sequenceItems(shape);
  if (sizes === null || !sizes.every((size) => typeof size === 'number')) {
    return new Unreadable('is a NumPy array without a shape');
  }
  const elements = elementsOf(sizes as number[]);
  if (typeof elements === 'string') {
    return new Unreadable(elements);
  }
  // dtype('f4', False, True), then __setstate__((3, '<', ...)) with the byte order.
  const code = type instanceof PickleObject && globalPath(type) === 'numpy.dtype' ? type.args[0] : null;
  const number = typeof code === 'string' ? numberTypeOf(code) : null;
  if (number === null) {
    const name = typeof code === 'string' ? code.slice(0, 20) : '(none)';
    return new Unreadable(/^[|<>=]?O/.test(name) ? 'is an array of Python objects' : `is a NumPy array of type ${name}, which is not decoded`);
  }
  const order = type instanceof PickleObject && type.state instanceof PickleTuple ? type.state.items[1] : null;
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  if (!(bytes instanceof Uint8Array) || bytes.length !== elements * bytesOf(number)) {
    return new Unreadable('is a NumPy array whose shape does not fit its bytes');
  }
  return { dtype: number, shape: sizes as number[], elements, bigEndian: order === '>' || code?.toString().startsWith('>') === true, fortranOrder, bytes };
}
